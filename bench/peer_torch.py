"""The PyTorch side of every workload, in the fairest form found: see `choices_of`."""

import contextlib

import numpy
import torch
import torch.nn.functional as F
from torch import nn

import worker

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class Model(nn.Module):
    def __init__(self, job, choice):
        super().__init__()
        w = job["workload"]
        self.by_batch = choice.get("layout", "batch") == "batch"
        self.last_only = w["last_only"]
        self.vocabulary = w["vocabulary"]
        self.one_hot = choice.get("one_hot", "function") if not w["embed"] else None
        if w["embed"]:
            self.embedding = nn.Embedding(w["vocabulary"], w["embed"])
        else:
            self.register_buffer("rows", torch.eye(w["vocabulary"]))
        self.recurrent = CELLS[w["cell"]](w["embed"] or w["vocabulary"], w["units"], w["layers"],
                                          batch_first=self.by_batch)
        self.dense = nn.Linear(w["units"], w["vocabulary"])

    def inputs(self, x):
        if self.one_hot == "rows":
            return self.rows[x]
        if self.one_hot:
            return F.one_hot(x, self.vocabulary).float()
        return self.embedding(x)

    def hidden(self, x, state=None):
        y, state = self.recurrent(self.inputs(x), state)
        if self.last_only:
            y = y[:, -1] if self.by_batch else y[-1]
        return y, state

    def forward(self, x, state=None):
        y, state = self.hidden(x, state)
        return self.dense(y), state


def optimizer_of(job, model, choice):
    how = {"default": {}, "fused": {"fused": True}, "foreach": {"foreach": True}}[choice["update"]]
    if job["workload"]["optimizer"] == "adam":
        return torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, **how)
    return torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7, **how)


def choices_of(job):
    """What is tried, best first guess first."""
    w = job["workload"]
    if job["peer"] == "torch-prefix":
        return {}
    if w["kind"] == "sample":
        return {"state": ["module", "cell"]}
    choices = {"layout": ["batch", "time"], "update": ["default", "fused", "foreach"]}
    if w["optimizer"] != "adam":
        choices["update"] = ["default", "foreach"]
    if not w["embed"]:
        choices["one_hot"] = ["function", "rows"]
    if w["kind"] == "real" and job["peer"] != "torch-rows":
        choices["loss"] = ["ignore", "weights"]
    return choices


# ---- training ----------------------------------------------------------------------------------


def random_batches(w, by_batch):
    generator = torch.Generator().manual_seed(1)
    shape = (w["batch"], w["length"]) if by_batch else (w["length"], w["batch"])
    x = torch.randint(0, w["vocabulary"], shape, generator=generator)
    y = torch.randint(0, w["vocabulary"], (w["batch"],) if w["last_only"] else shape, generator=generator)
    while True:
        yield x, y


IGNORED = -100


def real_batches(job, by_batch):
    """Shuffled batches of the recipes; targets behind the end are IGNORED."""
    w = job["workload"]
    tokens = numpy.load(job["tokens"], mmap_mode="r")[: job["records"]]
    generator = numpy.random.default_rng(1)
    while True:
        order = generator.permutation(len(tokens))
        for first in range(0, len(order) - w["batch"] + 1, w["batch"]):
            batch = torch.from_numpy(tokens[order[first : first + w["batch"]]].astype(numpy.int64))
            x, y = batch[:, :-1], batch[:, 1:].clone()
            y[:, 1:][(y[:, 1:] == 0) & (y[:, :-1] == 0)] = IGNORED
            if not by_batch:
                x, y = x.t().contiguous(), y.t().contiguous()
            yield x, y


def loss_of(model, how):
    """The mean loss of a batch; how: ignore, weights or rows (those that count are taken out first)."""

    def plain(x, y):
        logits, _ = model(x)
        return F.cross_entropy(logits.reshape(-1, model.vocabulary).float(), y.reshape(-1))

    def weights(x, y):
        logits, _ = model(x)
        weight = (y != IGNORED).float().reshape(-1)
        each = F.cross_entropy(logits.reshape(-1, model.vocabulary).float(), y.clamp(min=0).reshape(-1),
                               reduction="none")
        return (each * weight).sum() / weight.sum()

    def rows(x, y):
        hidden, _ = model.hidden(x)
        counts = (y != IGNORED).reshape(-1).nonzero().squeeze(1)
        hidden = hidden.reshape(-1, hidden.shape[-1]).index_select(0, counts)
        return F.cross_entropy(model.dense(hidden).float(), y.reshape(-1).index_select(0, counts))

    return {"ignore": plain, "weights": weights, "rows": rows}[how]


def training_step(job, choice):
    w = job["workload"]
    model = Model(job, choice)
    optimizer = optimizer_of(job, model, choice)
    batches = real_batches(job, model.by_batch) if w["kind"] == "real" else random_batches(w, model.by_batch)
    loss_function = loss_of(model, "rows" if job["peer"] == "torch-rows" else choice.get("loss", "ignore"))
    if job["peer"] == "torch-compiled":
        loss_function = torch.compile(loss_function)
    half = job["peer"] == "torch-bf16"

    def step():
        x, y = next(batches)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16) if half else contextlib.nullcontext():
            loss = loss_function(x, y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


# ---- sampling ----------------------------------------------------------------------------------


def draw(logits):
    return torch.multinomial(torch.softmax(logits.float(), -1), 1)


def cells_of(model, w):
    """The recurrent layers as single cells with the same weights."""
    cells = []
    for i in range(w["layers"]):
        cell = nn.LSTMCell(w["units"] if i else w["embed"], w["units"])
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            setattr(cell, name, getattr(model.recurrent, f"{name}_l{i}"))
        cells.append(cell)
    return cells


def sampling_step(job, choice):
    w = job["workload"]
    model = Model(job, choice).eval()
    if job["peer"] == "torch-bf16":
        model = model.bfloat16()
    start = torch.zeros(w["batch"], 1, dtype=torch.long)
    cells = cells_of(model, w)

    def by_module(x, state):
        logits, state = model(x, state)
        return draw(logits[:, -1]), state

    def by_cell(x, state):
        y, after = model.embedding(x[:, 0]), []
        for i, cell in enumerate(cells):
            pair = cell(y, state[i] if state else None)
            after.append(pair)
            y = pair[0]
        return draw(model.dense(y)), after

    one = by_module if choice.get("state", "module") == "module" else by_cell
    if job["peer"] == "torch-compiled":
        one = torch.compile(one)

    @torch.inference_mode()
    def step():
        x, state = start, None
        for _ in range(w["length"]):
            x, state = one(x, state)
        return x

    return step


def prefix_step(job):
    """The whole text so far for each token."""
    w = job["workload"]
    model = Model(job, {}).eval()

    @torch.inference_mode()
    def step():
        text = torch.zeros(w["batch"], 1, dtype=torch.long)
        for _ in range(w["length"]):
            logits, _ = model(text)
            text = torch.cat([text, draw(logits[:, -1])], 1)
        return text

    return step


def step_of(job, choice):
    torch.manual_seed(1)
    if job["peer"] == "torch-prefix":
        return prefix_step(job)
    if job["workload"]["kind"] == "sample":
        return sampling_step(job, choice)
    return training_step(job, choice)


def main():
    job = worker.job()
    torch.set_num_threads(job["threads"])
    if job.get("tune"):
        worker.tune(lambda choice: step_of(job, choice), choices_of(job))
        return
    choice = job.get("choice") or {name: values[0] for name, values in choices_of(job).items()}
    worker.serve(step_of(job, choice), peer=f"PyTorch {torch.__version__}", choice=choice)


main()
