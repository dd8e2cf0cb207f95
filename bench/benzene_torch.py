#!/usr/bin/env python3
"""benzene_torch.py DATA [SEEDS]: the network of `ivory train benzene --as-printed` trained by PyTorch, as the chapter
trains it in Keras, from several seeds: parameters, training and validation loss in standardised units.

DATA is the folder that holds air-quality/."""

import gzip
import sys

import torch


def standardised(root):
    """All 13 columns, -200 taken as a number: inputs and target."""
    with gzip.open(f"{root}/air-quality/AirQualityUCI.csv.gz", "rt") as file:
        rows = [line.strip().split(";") for line in file][1:]
    x = torch.tensor([[float(v.replace(",", ".")) for v in row[2:15]] for row in rows if row[0]], dtype=torch.float64)
    x = ((x - x.mean(0)) / x.std(0, unbiased=False)).float()
    return torch.cat([x[:, :3], x[:, 4:]], 1), x[:, 3:4]


def train(x, y, n, seed):
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(12, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    for layer in (net[0], net[2]):  # as Keras begins
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    adam = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)
    for _ in range(20):
        total = 0.0
        for batch in torch.randperm(n).split(10):
            adam.zero_grad()
            loss = torch.nn.functional.mse_loss(net(x[batch]), y[batch])
            loss.backward()
            adam.step()
            total += loss.item() * len(batch)
    return net, total / n


def main():
    x, y = standardised(sys.argv[1])
    fit = int(0.7 * len(x))
    n = int(0.8 * fit)
    torch.set_num_threads(1)
    for seed in range(1, int(sys.argv[2]) + 1 if len(sys.argv) > 2 else 6):
        net, loss = train(x, y, n, seed)
        with torch.no_grad():
            validation = torch.nn.functional.mse_loss(net(x[n:fit]), y[n:fit]).item()
        print(f"seed {seed}: {sum(p.numel() for p in net.parameters())} parameters, training {loss:.6f}, "
              f"validation {validation:.6f}", flush=True)


if __name__ == "__main__":
    main()
