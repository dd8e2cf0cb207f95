#!/usr/bin/env python3
"""Writes tests/golden/events.inc: the bytes that TensorBoard's own writer gives for the records of format_events_test.c.

    pip install tensorboard && python3 tools/golden/events.py > tests/golden/events.inc
"""
import io

import tensorboard.version
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

values = [Summary.Value(tag="loss/training", simple_value=2.5), Summary.Value(tag="rate", simple_value=1e-3)]
events = [
    Event(wall_time=1700000000.25, file_version="brain.Event:2"),
    Event(wall_time=1700000001.5, step=300, summary=Summary(value=values)),
]

file = io.BytesIO()
writer = RecordWriter(file)
for event in events:
    writer.write(event.SerializeToString())
data = file.getvalue()

print(f"    /* tools/golden/events.py, TensorBoard {tensorboard.version.VERSION} */")
for at in range(0, len(data), 16):
    print("    " + " ".join(f"0x{byte:02x}," for byte in data[at : at + 16]))
