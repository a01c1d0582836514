"""Compares real models with onnxruntime on inputs that mean something.

Each function takes an `Assay` and the folder of the fetched models, prints one line and returns
whether all is well.
"""

import itertools

import numpy as np
import onnx
from onnx import numpy_helper

from comparison import TOLERANCE, Errors, reference
from exact import Exact

# Numbers of words in the vocabulary of bert-base-uncased, which MiniLM was trained with.
WORDS = """
    the 1996 of 1997 and 1998 in 1999 to 2000 was 2001 he 2002 is 2003 for 2005 on 2006 with 2007 it 2009 at 2012
    from 2013 a 1037 an 2019 they 2027 not 2025 man 2158 woman 2450 dog 3899 cat 4937 house 2160 car 2482 water 2300
    city 2103 night 2305 music 2189 game 2208 team 2136 book 2338 film 2143 war 2162 river 2314 king 2332 school 2082
    food 2833 eating 5983 playing 2652 guitar 2858 reading 3752 children 2336
""".split()
SENTENCES = [
    "a man is eating food",
    "the woman is eating at night",
    "a man is playing guitar",
    "they playing music in the city",
    "the dog and the cat",
    "a cat is in the house",
    "children reading a book at school",
    "the king was at war",
    "the team is playing a game",
    "water from the river",
]

# A font of 5 by 7 pixels, one number per row.
FONT = {
    "0": "0e 11 13 15 19 11 0e", "2": "0e 11 01 02 04 08 1f", "4": "02 06 0a 12 1f 02 02", "6": "06 08 10 1e 11 11 0e",
    "A": "0e 11 11 1f 11 11 11", "D": "1c 12 11 11 11 12 1c", "E": "1f 10 10 1e 10 10 1f", "H": "11 11 11 1f 11 11 11",
    "L": "10 10 10 10 10 10 1f", "O": "0e 11 11 11 11 11 0e", "R": "1e 11 11 1e 14 12 11", "S": "0f 10 10 0e 01 01 1e",
    "T": "1f 04 04 04 04 04 04", "W": "11 11 11 15 15 15 0a", "Y": "11 11 11 0a 04 04 04", " ": "00 00 00 00 00 00 00",
}  # fmt: skip


def sentence(text, length):
    """Token numbers and mask of a sentence, padded to `length`."""
    numbers = dict(zip(WORDS[::2], map(int, WORDS[1::2])))
    tokens = [101, *(numbers[word] for word in text.split()), 102]
    ids = np.zeros((1, length), np.int64)
    ids[0, : len(tokens)] = tokens
    return {"input_ids": ids, "attention_mask": (np.arange(length) < len(tokens)).astype(np.int64)[None]}


def compare_minilm(assay, models):
    """Sentences; the order of all pairs by similarity must be onnxruntime's."""
    path, length = models / "minilm.onnx", 16
    session, exact = reference(path), Exact(path)
    bundle = assay.compile(path, "minilm", "--dim batch_size=1", f"--dim sequence_length={length}")
    names = [port.name for port in session.get_outputs()]
    errors, ours, theirs = Errors(), [], []
    for text in SENTENCES:
        inputs = sentence(text, length)
        found, expected, true = assay.run(bundle, inputs), session.run(None, inputs), exact.run(inputs)
        for name, a, b in zip(names, expected, true):
            if a.dtype == np.float32:
                errors.add(found[name], a, b)
            elif not np.array_equal(found[name], a):
                errors.fine = False
        ours.append(found[names[-1]][0])
        theirs.append(expected[-1][0])

    def order(vectors):
        cosine = lambda a, b: float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        pairs = itertools.combinations(range(len(vectors)), 2)
        return sorted(pairs, key=lambda pair: -cosine(vectors[pair[0]].astype(float), vectors[pair[1]].astype(float)))

    same = order(ours) == order(theirs)
    nearest = " / ".join(SENTENCES[i] for i in order(ours)[0])
    print(f"minilm: {len(SENTENCES)} sentences, {'same' if same else 'OTHER'} order of similarity, nearest: {nearest}; {errors}")
    return same and errors.fine


def written(text, height, width, scale, at):
    """Dark text on a light image [1, 3, height, width], as PP-OCR normalises it."""
    pixels = np.full((height, width), 255.0)
    top, left = at
    for i, letter in enumerate(text):
        rows = [[int(row, 16) >> (4 - x) & 1 for x in range(5)] for row in FONT[letter].split()]
        glyph = np.kron(np.array(rows), np.ones((scale, scale)))
        x = left + i * 6 * scale
        pixels[top : top + 7 * scale, x : x + 5 * scale] -= 235 * glyph
    # Softened like a photograph.
    padded = np.pad(pixels, 1, mode="edge")
    pixels = sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9
    return np.broadcast_to((pixels / 255 - 0.5) / 0.5, (1, 3, height, width)).astype(np.float32)


def compare_ppocr_rec(assay, models):
    """Lines of text; the decoded strings must be onnxruntime's."""
    path, width = models / "ppocr_rec.onnx", 192
    session, exact = reference(path), Exact(path)
    bundle = assay.compile(path, "ppocr_rec", f"--shape x=1,3,48,{width}")
    properties = session.get_modelmeta().custom_metadata_map
    # Class 0 is "no character", the last one a space.
    alphabet = ["", *properties["character"].split("\n"), " "]

    def decode(scores):
        best = scores[0].argmax(axis=-1)
        changed = np.concatenate([[True], best[1:] != best[:-1]])
        return "".join(alphabet[i] for i in best[changed] if i < len(alphabet))

    errors, read, same = Errors(), [], True
    for text in ("HELLO", "WORLD", "ASSAY", "2026", "DATE 40"):
        inputs = {"x": written(text, 48, width, 4, (10, 12))}
        found, expected = assay.run(bundle, inputs), session.run(None, inputs)[0]
        (found,) = found.values()
        errors.add(found, expected, exact.run(inputs)[0])
        read.append(decode(found))
        same = same and decode(found) == decode(expected)
    print(f"ppocr_rec: read {read}, {'as' if same else 'NOT as'} onnxruntime; {errors}")
    return same and errors.fine and any(read)


def compare_ppocr_det(assay, models):
    """A page with two lines; the mask of text must be onnxruntime's."""
    path, side = models / "ppocr_det.onnx", 128
    session, exact = reference(path), Exact(path)
    bundle = assay.compile(path, "ppocr_det", f"--shape x=1,3,{side},{side}")
    page = np.minimum(written("HELLO", side, side, 3, (20, 16)), written("WORLD", side, side, 3, (80, 24)))
    inputs = {"x": page}
    expected = session.run(None, inputs)[0]
    (found,) = assay.run(bundle, inputs).values()
    errors = Errors()
    errors.add(found, expected, exact.run(inputs)[0])
    mask, other = found > 0.3, expected > 0.3
    differing = int((mask != other).sum())
    print(f"ppocr_det: {int(mask.sum())} of {mask.size} pixels are text, {differing} otherwise in onnxruntime; {errors}")
    return differing == 0 and errors.fine and 0 < mask.sum() < mask.size


def speech(samples, rate):
    """Something like a voice, in syllables with pauses: harmonics under three formants, and noise."""
    time = np.arange(samples) / rate
    pitch = 2 * np.pi * np.cumsum(120 + 15 * np.sin(2 * np.pi * 3 * time)) / rate
    signal = np.zeros(samples)
    for k in range(1, 30):
        frequency = 120 * k
        gain = sum(np.exp(-(((frequency - f) / w) ** 2)) for f, w in ((600, 150), (1200, 200), (2500, 300)))
        signal += (gain + 0.02) * np.sin(k * pitch)
    loudness = np.clip(np.sin(2 * np.pi * 2.5 * time), 0, 1) * (time % 0.9 < 0.6)
    noise = np.random.default_rng(5).standard_normal(samples)
    return (0.25 * loudness * signal + 0.002 * noise).astype(np.float32)


def compare_silero(assay, models):
    """A second of sound in steps of 512 samples, each engine carrying its own state."""
    path, rate, steps = models / "silero_vad.onnx", 16000, 30
    session, exact = reference(path), Exact(path)
    flags = (f"--set sr={rate}", "--shape input=1,576", "--shape state=2,1,128")
    bundle = assay.compile(path, "silero_vad", *flags)
    signal = np.concatenate([np.zeros(64, np.float32), speech(512 * steps, rate)])
    state = np.zeros((2, 1, 128), np.float32)
    ours, theirs, true = state, state, state.astype(np.float64)
    errors, heard, same = Errors(), 0, 0
    for step in range(steps):
        # Every step sees 64 samples of the one before.
        window = signal[step * 512 : step * 512 + 576][None]
        found = assay.run(bundle, {"input": window, "state": ours})
        answer, theirs = session.run(None, {"input": window, "state": theirs, "sr": np.array(rate)})
        best, true = exact.run({"input": window, "state": true, "sr": np.array(rate)})
        ours = found["stateN"]
        errors.add(found["output"], answer, best)
        errors.add(ours, theirs, true)
        heard += int(found["output"][0, 0] > 0.5)
        same += (found["output"][0, 0] > 0.5) == (answer[0, 0] > 0.5)
    print(f"silero_vad: {steps} steps, {same} decisions as onnxruntime, {heard} of them speech; {errors}")
    return same == steps and errors.fine


def with_weights(path, target):
    """Writes a light network with random weights in place of its uniform ones, without its softmax."""
    model, random = onnx.load(path), np.random.default_rng(7)
    shapes = {weight.name: numpy_helper.to_array(weight) for weight in model.graph.initializer}
    readers = {}
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            readers.setdefault(name, (node.op_type, i))
    kept = []
    for node in model.graph.node:
        if node.op_type != "ConstantOfShape":
            kept.append(node)
            continue
        shape, reader = shapes[node.input[0]], readers.get(node.output[0], ("", 0))
        if len(shape) > 1:
            values = random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        elif reader in (("BatchNormalization", 1), ("BatchNormalization", 4)):
            values = random.uniform(0.5, 1.5, shape)
        else:
            values = random.standard_normal(shape) * 0.1
        model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), node.output[0]))
    if kept[-1].op_type == "Softmax":
        # Of such weights it would make zeros and a one, which hide every difference.
        model.graph.output[0].name = kept.pop().input[0]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    onnx.save(model, target)


def compare_light(assay, models):
    """The classic networks: three with random weights, all others as they are."""
    fine = True
    for path in sorted(models.glob("light_*.onnx")):
        name, random = path.stem, path.stem in ("light_squeezenet", "light_shufflenet", "light_densenet121")
        if random:
            with_weights(path, assay.folder / path.name)
            path = assay.folder / path.name
        session, bundle = reference(path), assay.compile(path, name)
        (port,) = session.get_inputs()
        inputs = {port.name: np.random.default_rng(3).standard_normal(port.shape).astype(np.float32)}
        expected = session.run(None, inputs)[0]
        (found,) = assay.run(bundle, inputs).values()
        if random:
            errors = Errors()
            errors.add(found, expected, Exact(path).run(inputs)[0])
            good, text = errors.fine and found.argmax() == expected.argmax(), f"random weights; {errors}"
        else:
            error = float(np.abs(found - expected).max() / np.abs(expected).max())
            good, text = error <= TOLERANCE, f"relative error {error:.1e} from onnxruntime"
        print(f"{name}: {text}")
        fine = fine and good and found.shape == expected.shape
    return fine


# Their activations are quantized as they come: a last bit before a rounding is a step of 1/255 after it.
QUANTIZED = {"t5_encoder_int8": 0.1, "t5_decoder_int8": 0.1}


def compare_exported(assay, models):
    """A speech embedding, and models of made weights of kinds that no package carries, on random inputs."""
    fine, random = True, np.random.default_rng(11)
    flags = {"speech_embedding": ["--dim unk__314=1"]}
    for name in ("speech_embedding", "resnet50_thin", "audio_encoder", "gru_tagger", *QUANTIZED):
        path = models / f"{name}.onnx"
        session, bundle = reference(path), assay.compile(path, name, *flags.get(name, []))
        inputs = {}
        for port in session.get_inputs():
            shape = [d if isinstance(d, int) else 1 for d in port.shape]
            words = "int64" in port.type
            inputs[port.name] = random.integers(0, 4096, shape) if words else random.standard_normal(shape).astype(np.float32)
        found, worst = assay.run(bundle, inputs), 0.0
        for port, expected in zip(session.get_outputs(), session.run(None, inputs)):
            worst = max(worst, float(np.abs(found[port.name] - expected).max() / np.abs(expected).max()))
        fine = fine and worst <= QUANTIZED.get(name, TOLERANCE)
        print(f"{name}: relative error {worst:.1e} from onnxruntime")
    return fine


COMPARISONS = [compare_minilm, compare_ppocr_rec, compare_ppocr_det, compare_silero, compare_exported, compare_light]
