# HDF5 files that are not to be trusted, or hold what Ivory does not read, kept in tests/golden/keras/hostile.zip: numbers in
# other files, sizes without bytes, links in circles, too many axes, texts and records beside numbers.

import io
import pathlib
import zipfile

import h5py
import numpy as np

PATH = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "keras" / "hostile.zip"


def external(file):
    file.create_dataset("stolen", (4,), "u1", external=[("/etc/passwd", 0, 4)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "numbers", (4,))
    file.create_virtual_dataset("elsewhere", layout)


def huge(file):
    file.create_dataset("huge", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip")


def axes(file):
    file.create_dataset("axes", (1,) * 9, "f4")[...] = 1


def mixed(file):
    """All of this may stand beside numbers: links in circles and out of the file are not followed."""
    file["numbers"] = np.arange(3, dtype="f2")
    file["big"] = np.arange(3, dtype=">f8")
    file["packed"] = file.create_dataset("folder/zeros", data=np.zeros(5000, "f4"), compression="gzip")
    file["folder/round"] = file["/"]
    file["nowhere"] = h5py.SoftLink("/not/here")
    file["outside"] = h5py.ExternalLink("other.h5", "/")
    file["texts"] = np.array([b"one", b"two"])
    file["records"] = np.zeros(2, [("x", "f4")])
    file["none"] = h5py.Empty("f4")
    file["truth"] = np.array([True, False])
    file.attrs["text"] = "caf\u00e9"
    file.attrs["list"] = ["one", "two"]
    file.attrs["number"] = 3
    file.attrs["no text"] = h5py.Empty("S4")


def main():
    with zipfile.ZipFile(PATH, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for make in (external, virtual, huge, axes, mixed):
            memory = io.BytesIO()
            with h5py.File(memory, "w") as file:
                make(file)
            archive.writestr(zipfile.ZipInfo(f"{make.__name__}.h5", (2020, 1, 1, 0, 0, 0)), memory.getvalue(),
                             zipfile.ZIP_DEFLATED)
    print(f"{PATH}: {PATH.stat().st_size} bytes, h5py {h5py.__version__}")


if __name__ == "__main__":
    main()
