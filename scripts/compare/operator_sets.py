#!/usr/bin/env python3
"""Writes the table of operators that the compiler checks nodes against, from the packages that define them.

    operator_sets.py [--check] FILE

FILE is engine/onnx/src/lower/schema/operator_sets.txt. A heading `[domain]` begins a domain; a line is

    NAME SINCE INPUTS OUTPUTS [NAME:TYPE[=DEFAULT][!]]…

with the fewest and the most inputs and outputs (`1..2`, `1..` without a limit), and `!` for attributes that a node
must have. An operator that an operator set removes has the line `NAME SINCE removed`. `--check` compares instead,
and says what differs.
"""

import difflib
import pathlib
import sys

import numpy as np
import onnx
import onnx.defs
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

# onnxruntime knows the newest operator sets and its own domain; training is defined in `onnx` alone.
DOMAINS = ["", "ai.onnx.ml", "com.microsoft", "ai.onnx.preview.training"]
UNLIMITED = 2**31 - 1


def number(value):
    """A float as briefly as it can be read back."""
    return str(np.float32(value))


def default(encoded):
    """The default of an attribute as text, or nothing."""
    attribute = onnx.AttributeProto.FromString(encoded)
    match attribute.type:
        case onnx.AttributeProto.INT:
            return str(attribute.i)
        case onnx.AttributeProto.FLOAT:
            return number(attribute.f)
        case onnx.AttributeProto.STRING:
            return attribute.s.decode()
        case onnx.AttributeProto.INTS:
            return ",".join(map(str, attribute.ints))
        case onnx.AttributeProto.FLOATS:
            return ",".join(map(number, attribute.floats))
        case onnx.AttributeProto.STRINGS:
            return ",".join(text.decode() for text in attribute.strings)
    return None


def described(attribute):
    encoded = attribute._default_value
    if not isinstance(encoded, bytes):
        encoded = encoded.SerializeToString()
    # onnxruntime's bindings have no name for the type of types.
    kind = attribute.type.name.lower().replace("???", "type_proto")
    text = f"{attribute.name}:{kind}"
    value = default(encoded) if encoded else None
    if value is not None:
        assert not set(value) & set(" !="), (attribute.name, value)
        text += f"={value}"
    return text + ("!" if attribute.required else "")


def between(least, most):
    return f"{least}.." + (str(most) if most < UNLIMITED else "")


def line(schema):
    head = f"{schema.name} {schema.since_version}"
    if schema.deprecated:
        return f"{head} removed"
    ports = [between(schema.min_input, schema.max_input), between(schema.min_output, schema.max_output)]
    return " ".join([head, *ports, *(described(schema.attributes[name]) for name in sorted(schema.attributes))])


def table():
    schemas = list(state.get_all_operator_schema())
    schemas += [schema for schema in onnx.defs.get_all_schemas_with_history() if "training" in schema.domain]
    text = ""
    for domain in DOMAINS:
        found = {(s.name, s.since_version): line(s) for s in schemas if s.domain == domain}
        text += f"[{domain or 'ai.onnx'}]\n" + "".join(f"{found[key]}\n" for key in sorted(found))
    return text


def main():
    arguments = sys.argv[1:]
    check = arguments[:1] == ["--check"]
    if len(arguments) != 1 + check:
        sys.exit(__doc__)
    if tuple(map(int, onnxruntime.__version__.split(".")[:2])) < (1, 32):
        # Python 3.10 has no newer one; the table is made and compared with those that have.
        print(f"onnxruntime {onnxruntime.__version__} is older than the table")
        return
    file = pathlib.Path(arguments[-1])
    text = table()
    if not check:
        file.write_text(text)
        return
    before = file.read_text()
    if before != text:
        names = (str(file), f"onnxruntime {onnxruntime.__version__}")
        sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), text.splitlines(True), *names, n=0))
        sys.exit("the table of operators is not the packages'")
    print(f"{text.count(chr(10)) - len(DOMAINS)} operators of onnxruntime {onnxruntime.__version__}")


if __name__ == "__main__":
    main()
