"""The network of `ivory train benzene --as-printed` trained by PyTorch as the chapter trains it in Keras: parameters,
training and validation loss in standardised units, from seeds of its own or from the weights of a run. For developers:

  python bench/benzene_torch.py DATA [--seeds N]
  python bench/benzene_torch.py DATA --begin RUN/last.safetensors    (a run of one step: its first weights)

DATA is the folder that holds air-quality/.
"""

import argparse
import gzip
import json
import struct
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from torch import nn


def standardised(root):
    """All 13 columns, -200 taken as a number: inputs and target."""
    with gzip.open(f"{root}/air-quality/AirQualityUCI.csv.gz", "rt") as file:
        rows = [line.strip().split(";") for line in file][1:]
    x = torch.tensor([[float(v.replace(",", ".")) for v in row[2:15]] for row in rows if row[0]], dtype=torch.float64)
    x = ((x - x.mean(0)) / x.std(0, unbiased=False)).float()
    return torch.cat([x[:, :3], x[:, 4:]], 1), x[:, 3:4]


def fresh(seed):
    """As Keras begins."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 1))
    for layer in (net[0], net[2]):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    return net


def begin_with(net, path):
    """The f32 tensors of a safetensors file."""
    raw = Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    with torch.no_grad():
        for layer, scope in ((net[0], "dense"), (net[2], "dense_1")):
            for parameter, name in ((layer.weight, "kernel"), (layer.bias, "bias")):
                about = header[f"{scope}/{name}"]
                begin, end = (8 + size + at for at in about["data_offsets"])
                value = numpy.frombuffer(raw[begin:end], "<f4").reshape(about["shape"])
                parameter.copy_(torch.from_numpy(value.T.copy()))


def train(net, x, y, n):
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)
    for _ in range(20):
        total = 0.0
        for batch in torch.randperm(n).split(10):
            adam.zero_grad()
            loss = F.mse_loss(net(x[batch]), y[batch])
            loss.backward()
            adam.step()
            total += loss.item() * len(batch)
    return total / n


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--begin")
    o = parser.parse_args()
    torch.set_num_threads(1)
    x, y = standardised(o.data)
    fit = int(0.7 * len(x))
    n = int(0.8 * fit)
    for seed in range(1, o.seeds + 1):
        net = fresh(seed)
        if o.begin:
            begin_with(net, o.begin)
        training = train(net, x, y, n)
        with torch.no_grad():
            validation = F.mse_loss(net(x[n:fit]), y[n:fit]).item()
        print(f"seed {seed}: {sum(p.numel() for p in net.parameters())} parameters, training {training:.6f}, "
              f"validation {validation:.6f}", flush=True)


if __name__ == "__main__":
    main()
