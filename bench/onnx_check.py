"""onnx_check.py MODEL.onnx REFERENCE.safetensors: runs an ONNX file that `ivory export` wrote in onnxruntime on the inputs
that build/tests/onnx-roundtrip wrote, and compares with the run's own output. A file of one token at a time is walked along
the sequence. For developers: pip install onnx onnxruntime numpy. Ends with 0 if the largest difference is at most 1e-5 of
the largest output.
"""
import json
import struct
import sys

import numpy
import onnx
import onnxruntime

KINDS = {"F32": numpy.float32, "I32": numpy.int32}


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    tensors = {}
    for name, what in header.items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in what["data_offsets"])
            tensors[name] = numpy.frombuffer(data[begin:end], KINDS[what["dtype"]]).reshape(what["shape"])
    return tensors


def walk(session, words, wanted):
    """One token at a time, with the states carried."""
    states = {
        i.name: numpy.zeros([words.shape[0]] + i.shape[1:], numpy.float32)
        for i in session.get_inputs()
        if i.name != "words"
    }
    names = [o.name for o in session.get_outputs()]
    rows = []
    for position in range(words.shape[1]):
        got = dict(zip(names, session.run(None, {"words": words[:, position : position + 1], **states})))
        states = {name: got[name + "/next"] for name in states}
        rows.append(got[names[0]])
    return numpy.concatenate(rows, 1).reshape(wanted.shape)


def main():
    model, reference = sys.argv[1:]
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    tensors = read_safetensors(reference)
    wanted = tensors[session.get_outputs()[0].name]
    inputs = [i.name for i in session.get_inputs()]
    if any(name.startswith("state/") for name in inputs):
        got = walk(session, tensors["words"], wanted)
    else:
        got = session.run(None, {name: tensors[name] for name in inputs})[0]
    assert got.shape == wanted.shape, (got.shape, wanted.shape)
    relative = numpy.abs(got - wanted).max() / numpy.abs(wanted).max()
    print(f"{model}: onnxruntime {onnxruntime.__version__}, relative difference {relative:.3g}")
    return 0 if relative <= 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main())
