"""PyTorch's side of fashion-mixture, the PixelCNN++ of 256 grey levels (workloads of kind "mixture"), in the fairest
form found. The rest of `ivory train fashion-mixture` in PyTorch is in mixture_torch.py."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from peer_torch_pixels import CHOICES as PIXELS, memory_of, training_step, work

FILTERS, LOGISTICS, DROPOUT = 32, 5, 0.3
ABOVE, BESIDE = 2, 1
WIDE = 2 * BESIDE + 1
# What a layer sees of a kernel as large as in TensorFlow Probability: by a mask, or the kernel is cut to it.
CHOICES = {**PIXELS, "kernels": ["cut", "masked"]}


class Conv(nn.Module):
    """Of the kernel only a rectangle counts, rows x columns; weights are normalised, each filter's length is `gain`."""

    def __init__(self, channels, filters, size=(1, 1), rows=(0, 1), columns=(0, 1), stride=1, cut=True):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(self.shape(channels, filters, size)) * 0.05)
        self.gain, self.bias = nn.Parameter(torch.ones(filters)), nn.Parameter(torch.zeros(filters))
        self.rows, self.columns, self.stride, self.cut = slice(*rows), slice(*columns), stride, cut
        self.padding = [(k - stride) // 2 for k in size]
        mask = torch.zeros(size)
        mask[self.rows, self.columns] = 1
        self.register_buffer("mask", mask)
        self.frozen = None

    def shape(self, channels, filters, size):
        return filters, channels, *size

    def weight(self):
        if self.frozen is not None:
            return self.frozen
        v = self.kernel[:, :, self.rows, self.columns] if self.cut else self.kernel * self.mask
        return F.normalize(v.flatten(1), dim=1).view_as(v) * self.gain.view(-1, 1, 1, 1)

    def freeze(self):
        """The weights do not change any more."""
        self.frozen = self.weight().detach()

    def forward(self, x):
        if not self.cut:
            return F.conv2d(x, self.weight(), self.bias, self.stride, self.padding)
        (high, wide), (rows, columns) = self.padding, self.kernel.shape[2:]
        around = (wide - self.columns.start, wide - columns + self.columns.stop,
                  high - self.rows.start, high - rows + self.rows.stop)
        return F.conv2d(F.pad(x, around) if any(around) else x, self.weight(), self.bias, self.stride)


class ConvUp(Conv):
    """Twice the size. Under a mask in any case."""

    def shape(self, channels, filters, size):
        return channels, filters, *size

    def weight(self):
        if self.frozen is not None:
            return self.frozen
        v = (self.kernel * self.mask).transpose(0, 1)
        w = F.normalize(v.flatten(1), dim=1).view_as(v) * self.gain.view(-1, 1, 1, 1)
        return w.transpose(0, 1)

    def forward(self, x):
        return F.conv_transpose2d(x, self.weight(), self.bias, self.stride, self.padding)


def concat_elu(x):
    return F.elu(torch.cat([x, -x], 1))


class Gated(nn.Module):
    """A gated residual layer, which may look beside itself."""

    def __init__(self, beside, size, rows, columns, cut):
        super().__init__()
        self.enter = Conv(2 * FILTERS, FILTERS, size, rows, columns, cut=cut)
        self.beside = Conv(2 * beside, FILTERS) if beside else None
        self.leave = Conv(2 * FILTERS, 2 * FILTERS, size, rows, columns, cut=cut)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x, beside=None):
        y = self.enter(concat_elu(x))
        if beside is not None:
            y = y + self.beside(concat_elu(beside))
        value, gate = self.leave(self.dropout(concat_elu(y))).chunk(2, 1)
        return x + value * torch.sigmoid(gate)


class Block(nn.Module):
    """The vertical stack, and the horizontal one, which sees it; on the way up both see what they mirror."""

    def __init__(self, up, cut):
        super().__init__()
        self.vertical = Gated(FILTERS if up else 0, (2 * ABOVE - 1, WIDE), (0, ABOVE), (0, WIDE), cut)
        self.horizontal = Gated(2 * FILTERS if up else FILTERS, (3, WIDE), (0, 2), (0, BESIDE + 1), cut)

    def forward(self, x, skip=None):
        vertical = self.vertical(x[0], skip and skip[0])
        return vertical, self.horizontal(x[1], torch.cat([vertical, skip[1]], 1) if skip else vertical)


class Mixture(nn.Module):
    """Pixels [N,1,H,W] of -1 to 1 -> what each pixel's mixture is made of, [N,3 LOGISTICS,H,W]."""

    def __init__(self, cut=True):
        super().__init__()
        self.first = nn.ModuleDict({
            "first_vertical": Conv(1, FILTERS, (2 * ABOVE + 1, WIDE), (0, ABOVE), (0, WIDE), cut=cut),
            "first_above": Conv(1, FILTERS, (3, WIDE), (0, 1), (0, WIDE), cut=cut),
            "first_before": Conv(1, FILTERS, (3, WIDE), (0, 2), (0, BESIDE), cut=cut),
        })
        self.smaller = nn.ModuleList([
            Conv(FILTERS, FILTERS, (2 * ABOVE, WIDE + 1), (0, ABOVE), (0, WIDE), 2, cut),
            Conv(FILTERS, FILTERS, (4, WIDE + 1), (0, 2), (0, BESIDE + 1), 2, cut)])
        self.larger = nn.ModuleList([
            ConvUp(FILTERS, FILTERS, (2 * ABOVE - 2, WIDE + 1), (ABOVE - 2, 2 * ABOVE - 2), (0, WIDE), 2),
            ConvUp(FILTERS, FILTERS, (2, 2 * BESIDE), (0, 2), (BESIDE - 1, 2 * BESIDE), 2)])
        self.blocks = nn.ModuleList(Block(up, cut) for up in (False, False, True, True, True))
        self.last = Conv(FILTERS, 3 * LOGISTICS)

    def forward(self, x):
        first = (self.first["first_vertical"](x), self.first["first_above"](x) + self.first["first_before"](x))
        large = self.blocks[0](first)
        small = [conv(y) for conv, y in zip(self.smaller, large, strict=True)]
        x = self.blocks[2](self.blocks[1](small), small)
        x = [conv(y) for conv, y in zip(self.larger, x, strict=True)]
        x = self.blocks[4](self.blocks[3](x, large), first)
        return self.last(F.elu(x[1]))

    def layers(self):
        """Each with its name in a run of Ivory's."""
        yield from self.first.items()
        gated = [layer for block in self.blocks for layer in (block.vertical, block.horizontal)]
        for i, layer in enumerate(gated):
            for part, of in (("in", layer.enter), ("beside", layer.beside), ("out", layer.leave)):
                if of is not None:
                    yield f"gated_residual{f'_{i}' if i else ''}/{part}", of
        yield from zip(("conv2d", "conv2d_1"), self.smaller, strict=True)
        yield from zip(("conv2d_transpose", "conv2d_transpose_1"), self.larger, strict=True)
        yield "logistics", self.last


def pixels_of(levels):
    """[N,H,W] of 0 to 255 -> [N,1,H,W] of -1 to 1"""
    return levels[:, None].float() / 127.5 - 1


def parts_of(parameters):
    """Logits, places and scales of the logistics, each [N,LOGISTICS,...]."""
    logit, place, scale = parameters.unflatten(1, (LOGISTICS, 3)).unbind(2)
    return logit, place, F.softplus(scale) + math.exp(-7)


def loss_of(model, levels, memory=torch.channels_last):
    """- log likelihood of a pixel in nats; the lowest level reaches down to minus infinity, the highest up."""
    x = pixels_of(levels).contiguous(memory_format=memory)
    logit, place, scale = parts_of(model(x).float())
    upper, lower = (x + 1 / 255 - place) / scale, (x - 1 / 255 - place) / scale
    from_below, from_above = F.logsigmoid(upper), F.logsigmoid(-lower)
    between = from_below + from_above + torch.log(-torch.expm1(lower - upper))
    each = torch.where(x < -0.999, from_below, torch.where(x > 0.999, from_above, between))
    return -torch.logsumexp(F.log_softmax(logit, 1) + each, 1).mean()


def step_of(job, choice):
    torch.manual_seed(1)
    w = job["workload"]
    memory = memory_of(choice)
    model = Mixture(cut=choice["kernels"] == "cut").to(memory_format=memory)
    levels = torch.randint(0, 256, (w["batch"], w["length"], w["length"]))
    return training_step(job, choice, model, lambda: loss_of(model, levels, memory))


if __name__ == "__main__":
    work(step_of, CHOICES)
