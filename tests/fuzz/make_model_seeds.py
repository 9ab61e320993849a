#!/usr/bin/env python3
"""Writes the seeds of the container, import, ONNX and TensorFlow Lite fuzz targets (corpus/). They are small files made up here."""
import hashlib
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"


def save(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def container(tensors, version=2):
    body, entries = b"", b""
    for name, kind, dims, data in tensors:
        body += b"\0" * (-len(body) % 64)
        padded = list(dims) + [1] * (4 - len(dims))
        entries += struct.pack("<64sII4QQQQ", name, kind, len(dims), *padded, 128 + len(body), len(data), 0)
        body += data
    body += b"\0" * (-len(body) % 64)
    table = 128 + len(body)
    body += entries
    head = struct.pack("<8sIIQQIIQ16x", b"VAMODEL", version, 1, 128 + len(body), table, len(tensors), 0, 0)
    return head + hashlib.sha256(body).digest() + bytes(32) + body


class FlatBuffer:
    """Tables from front to back: what they point to comes behind them."""

    def __init__(self):
        self.out = bytearray(b"\0\0\0\0TFL3")

    def table(self, slot, fields):
        """Fields take 4 bytes each; None: absent. Returns where the first is."""
        self.out += b"\0" * (-len(self.out) % 4)
        vtable = len(self.out)
        self.out += struct.pack("<HH", 4 + 2 * len(fields), 4 + 4 * len(fields))
        self.out += b"".join(struct.pack("<H", 0 if f is None else 4 + 4 * i) for i, f in enumerate(fields))
        self.out += b"\0" * (-len(self.out) % 4)
        self.point(slot)
        self.out += struct.pack("<i", len(self.out) - vtable)
        first = len(self.out)
        self.out += b"".join(struct.pack("<i", f or 0) for f in fields)
        return first

    def point(self, slot):
        self.out[slot:slot + 4] = struct.pack("<I", len(self.out) - slot)

    def vector(self, slot, data, n):
        self.out += b"\0" * (-(len(self.out) + 4) % 8)
        self.point(slot)
        self.out += struct.pack("<I", n)
        self.out += data
        return len(self.out) - len(data)


def tflite(tensors, operators, inputs, outputs):
    """tensors: (type, dims, data or None, scale or None, zero point); operators: (code, inputs, outputs, options)."""
    f = FlatBuffer()

    def ints(slot, values):
        f.vector(slot, struct.pack("<%di" % len(values), *values), len(values))

    root = f.table(0, [3, 0, 0, None, 0])
    codes = f.vector(root + 4, bytes(4 * len(operators)), len(operators))
    for i, (code, *_) in enumerate(operators):
        f.table(codes + 4 * i, [min(code, 127), None, 1, code])
    graph = f.table(f.vector(root + 8, bytes(4), 1), [0, 0, 0, 0])
    slots = f.vector(graph, bytes(4 * len(tensors)), len(tensors))
    for i, (kind, dims, data, scale, zero) in enumerate(tensors):
        at = f.table(slots + 4 * i, [0, kind, i + 1 if data is not None else 0, None, None if scale is None else 0])
        ints(at, dims)
        if scale is not None:
            q = f.table(at + 16, [None, None, 0, 0])
            f.vector(q + 8, struct.pack("<f", scale), 1)
            f.vector(q + 12, struct.pack("<q", zero), 1)
    ints(graph + 4, inputs)
    ints(graph + 8, outputs)
    slots = f.vector(graph + 12, bytes(4 * len(operators)), len(operators))
    for i, (_, ins, outs, options) in enumerate(operators):
        at = f.table(slots + 4 * i, [i, 0, 0, 1, 0 if options else None])
        ints(at + 4, ins)
        ints(at + 8, outs)
        if options:
            f.table(at + 16, options)
    slots = f.vector(root + 16, bytes(4 * (len(tensors) + 1)), len(tensors) + 1)
    for i, data in enumerate([b""] + [t[2] or b"" for t in tensors]):
        f.vector(f.table(slots + 4 * i, [0]), data, len(data))
    return bytes(f.out)


def ct2(variables, version=6):
    def text(s):
        return struct.pack("<H", len(s) + 1) + s + b"\0"

    out = struct.pack("<I", version) + text(b"WhisperSpec") + struct.pack("<II", 3, len(variables))
    for name, dims, kind, data in variables:
        out += text(name) + struct.pack("<B", len(dims)) + struct.pack("<%dI" % len(dims), *dims)
        out += struct.pack("<BI", kind, len(data)) + data
    return out + struct.pack("<I", 1) + text(b"decoder/projection/weight") + text(b"decoder/embeddings/weight")


def ggml_tensor(name, dims, kind, data):
    return struct.pack("<III", len(dims), len(name), kind) + struct.pack("<%dI" % len(dims), *dims) + name + data


def field(number, data):
    """Of a protobuf message: bytes, or an int."""
    if isinstance(data, int):
        return bytes([number << 3, data])
    return bytes([number << 3 | 2, len(data)]) + data


def onnx_tensor(name, dims, data, kind=1):
    return field(5, b"".join(field(1, d) for d in dims) + field(2, kind) + field(8, name) + field(9, data))


INT32, INT8, RESOURCE = 2, 9, 13
FRAMES = (INT8, (1, 1, 40), None, 0.1, -128)
ROW = (INT8, (1, 1), None, 1 / 256, -128)
WEIGHTS = (INT8, (1, 80), bytes(range(80)), 0.01, 0)
NUMBERS = (INT32, (4,), struct.pack("<4i", 0, -1, 0, 0), None, 0)
ONES = (INT32, (4,), struct.pack("<4i", 1, 1, 1, 1), None, 0)
STATE = (INT8, (1, 1, 1, 40), None, 0.1, -128)
WINDOW = (INT8, (1, 2, 1, 40), None, 0.1, -128)
NETWORK = [FRAMES, (RESOURCE, (), None, None, 0), STATE, WINDOW, STATE, WEIGHTS, ROW, ROW, NUMBERS, ONES]
OPERATORS = [(142, [], [1], None), (143, [1], [2], None), (2, [2, 0], [3], [1]), (45, [3, 8, 8, 9], [4], [13, 15]), (144, [1, 4], [], None),
             (9, [3, 5], [6], None), (14, [6], [7], None)]


def save_tflite():
    save("tflite", "network", tflite(NETWORK, OPERATORS, [0], [7]))
    save("tflite", "no_state", tflite([(INT8, (1, 2, 40), None, 0.1, -128), WEIGHTS, ROW, ROW], [(9, [0, 1], [2], None), (14, [2], [3], None)],
                                      [0], [3]))
    save("tflite", "convolution", tflite([(INT8, (1, 2, 40), None, 0.1, -128), (INT8, (1, 2, 1, 40), bytes(80), 0.01, 0), ROW],
                                         [(3, [0, 1], [2], [1, 1, 1, 1])], [0], [2]))
    save("tflite", "groups", tflite([FRAMES, (INT32, (2,), struct.pack("<2i", 8, 32), None, 0), (INT32, (), struct.pack("<i", -1), None, 0),
                                     (INT8, (1, 1, 8), None, 0.1, -128), (INT8, (1, 1, 32), None, 0.1, -128),
                                     (INT8, (1, 1, 1, 8), bytes(8), 0.01, 0), (INT8, (1, 1, 1, 8), None, 0.1, 0)],
                                    [(102, [0, 1, 2], [3, 4], None), (4, [3, 5], [6], [1, 1, 1, 1])], [0], [6]))
    save("tflite", "empty", tflite([], [], [], []))
    save("tflite", "cut", tflite([FRAMES], [], [0], [0])[:-60])


def main():
    floats = struct.pack("<6f", *range(6))
    save("container", "empty", container([]))
    save("container", "two", container([(b"a", 0, (2, 3), floats), (b"b.c", 3, (5,), b"hello")]))
    save("container", "scalar", container([(b"x", 2, (), b"\1\0\0\0"), (b"none", 1, (0, 4), b"")]))
    save("container", "version1", container([], 1))
    save("container", "cut", container([(b"a", 0, (2, 3), floats)])[:200])

    small = ct2([(b"decoder/num_heads", (), 2, b"\1\0"), (b"decoder/embeddings/weight", (2, 3), 4, bytes(12)),
                 (b"x", (4,), 1, b"abcd"), (b"x_scale", (1,), 0, b"\0\0\x80\x3f")])
    save("import_ct2", "model", b"\0" + small)
    save("import_ct2", "model_old", b"\0" + ct2([], 3))
    save("import_ct2", "model_cut", b"\0" + small[:70])
    save("import_ct2", "change", b"\1" + struct.pack("<IB", 22, 1) + b"\5" + struct.pack("<IB", 100, 4) + b"\xff\xff\xff\x7f")
    save("import_ct2", "change_nothing", b"\1")
    save("import_ct2", "config", b'\2{"suppress_ids": [1, 2, 50257], "suppress_ids_begin": [220], "alignment_heads": [[0, 0]]}')
    save("import_ct2", "config_bad", b'\2{"suppress_ids": [1e3, -1], "alignment_heads": [[7, "a"], 3, []]}')
    save("import_ct2", "text", b"\3" + struct.pack("<IB", 7, 3) + b"\n\xc4\x80")
    save("import_ct2", "json", b'\4["!", "\\u0120a", "\\ud83d\\ude00", ""]')

    head = struct.pack("<12I", 0x67676D6C, 51864, 1500, 64, 1, 1, 448, 64, 1, 1, 80, 1) + struct.pack("<II", 80, 201)
    save("import_ggml", "head", b"\0" + head)
    save("import_ggml", "change", b"\1" + struct.pack("<IB", 4, 4) + struct.pack("<I", 51865))
    save("import_ggml", "change_nothing", b"\1")
    tensors = ggml_tensor(b"encoder.ln_post.bias", (64,), 0, bytes(256)) + ggml_tensor(b"encoder.conv1.bias", (1, 64), 0, bytes(256))
    tensors += ggml_tensor(b"decoder.blocks.0.attn.query.weight", (64, 2), 8, bytes(34 * 4))
    save("import_ggml", "tensors", b"\2" + tensors)
    save("import_ggml", "tensors_cut", b"\2" + tensors[:-9])
    model = field(1, 8) + field(2, b"made up")
    graph = field(1, field(4, b"Relu")) + field(2, b"graph")
    weights = onnx_tensor(b"weight", (2, 1, 3), floats) + onnx_tensor(b"bias", (2,), bytes(8)) + onnx_tensor(b"scalar", (), bytes(4))
    save("onnx", "weights", model + field(7, graph + weights))
    save("onnx", "twice", model + field(7, onnx_tensor(b"x", (1, 1), bytes(4)) * 2))
    save("onnx", "packed", field(7, field(5, field(1, b"\1\1") + field(8, b"x") + field(2, 1) + field(9, bytes(4)))))
    save("onnx", "empty_tensor", field(7, onnx_tensor(b"", (0,), b"") + onnx_tensor(b"weight", (2, 1, 3), floats, 11)))
    save("import_ggml", "tensors_huge", b"\2" + ggml_tensor(b"a", (0xFFFFFFE0, 0xFFFFFFFF, 0xFFFFFFFF), 6, b""))
    save_tflite()


main()
