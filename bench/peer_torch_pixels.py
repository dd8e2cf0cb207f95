"""PyTorch's side of training a PixelCNN (workloads of kind "pixels"), in the fairest form found."""

import contextlib

import torch
import torch.nn.functional as F
from torch import nn

import worker

CHOICES = {"memory": ["last", "first"], "update": ["default", "fused", "foreach"]}


class Masked(nn.Conv2d):
    """Mask A: the places before one's own, in reading order; mask B: and itself."""

    def __init__(self, kind, channels, filters, size):
        super().__init__(channels, filters, size, padding=size // 2)
        mask = torch.zeros(size * size)
        mask[: size * size // 2 + (kind == "B")] = 1
        self.register_buffer("mask", mask.view(1, 1, size, size))

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


class Block(nn.Module):
    def __init__(self, filters):
        super().__init__()
        self.down = nn.Conv2d(filters, filters // 2, 1)
        self.middle = Masked("B", filters // 2, filters // 2, 3)
        self.up = nn.Conv2d(filters // 2, filters, 1)

    def forward(self, x):
        return x + F.relu(self.up(F.relu(self.middle(F.relu(self.down(x))))))


def model_of(w):
    filters = w["units"]
    layers = [Masked("A", 1, filters, 7), nn.ReLU(), *(Block(filters) for _ in range(w["layers"]))]
    for _ in range(2):
        layers += [nn.Conv2d(filters, filters, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(filters, w["vocabulary"], 1))


def step_of(job, choice):
    torch.manual_seed(1)
    w = job["workload"]
    memory = memory_of(choice)
    model = model_of(w).to(memory_format=memory)
    levels = torch.randint(0, w["vocabulary"], (w["batch"], w["length"], w["length"]))

    def loss():
        x = (levels[:, None].float() / w["vocabulary"]).contiguous(memory_format=memory)
        return F.cross_entropy(model(x).float(), levels)

    return training_step(job, choice, model, loss)


def memory_of(choice):
    return torch.channels_last if choice["memory"] == "last" else torch.contiguous_format


def training_step(job, choice, model, loss):
    """A step of Adam's, on a batch that stays."""
    how = {"default": {}, "fused": {"fused": True}, "foreach": {"foreach": True}}[choice["update"]]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, **how)
    half = job["peer"] == "torch-bf16"
    loss_function = torch.compile(loss) if job["peer"] == "torch-compiled" else loss

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16) if half else contextlib.nullcontext():
            value = loss_function()
        value.backward()
        optimizer.step()
        return value.item()

    return step


def work(make_step, choices):
    """What the process of such a peer does."""
    job = worker.job()
    torch.set_num_threads(job["threads"])
    if job.get("tune"):
        worker.tune(lambda choice: make_step(job, choice), choices)
        return
    choice = job.get("choice") or {name: values[0] for name, values in choices.items()}
    worker.serve(make_step(job, choice), peer=f"PyTorch {torch.__version__}", choice=choice)


if __name__ == "__main__":
    work(step_of, CHOICES)
