"""What is compared: workloads with their shapes, the peers that run them, and the goals."""

from dataclasses import dataclass, field, replace


@dataclass
class Workload:
    name: str
    says: str
    kind: str = "train"  # train, real (batches of the recipes), sample, pixels or mixture (length x length pixels)
    batch: int = 32
    length: int = 200
    vocabulary: int = 10000
    embed: int = 100  # 0: tokens are one-hot
    cell: str = "lstm"
    layers: int = 1
    units: int = 128
    last_only: bool = False
    optimizer: str = "adam"
    peers: list = field(default_factory=list)
    must: float = 0  # times faster than the fastest f32 peer; 0: no goal
    moonshot: float = 0
    of: str = ""  # Ivory's workload of which it is another shape

    def ivory(self):
        """Ivory's name for it, and the options that give it this shape."""
        if not self.of:
            return self.name, []
        names = ["batch", "length", "vocabulary", "units"]
        return self.of, [part for name in names for part in (f"--{name}", str(getattr(self, name)))]


# Peers of training, and of sampling with the state carried from token to token.
TRAINING = ["torch-eager", "torch-compiled", "torch-bf16", "keras"]
SAMPLING = ["torch-eager", "torch-compiled", "torch-bf16"]
# As the chapter's program draws: the whole text so far is computed again for each token.
PREFIX = ["torch-prefix", "keras-prefix"]

PEERS = {
    "torch-eager": "PyTorch, eager, f32",
    "torch-compiled": "PyTorch, compiled, f32",
    "torch-bf16": "PyTorch, bf16",
    "torch-rows": "PyTorch, f32, padding taken out",
    "torch-prefix": "PyTorch, f32, whole prefix",
    "keras": "Keras, f32",
    "keras-bf16": "Keras, mixed bf16",
    "keras-prefix": "Keras predict, f32, whole prefix",
}

_recipes = Workload("recipes", "LSTM 128, embedding 100, vocabulary 10,000, batch 32 x 200, Adam",
                    peers=TRAINING + ["keras-bf16"], must=3, moonshot=4)
_chars = Workload("chars-8", "LSTM 128 on one-hot characters, 84 of them, batch 8 x 64, Adam",
                  batch=8, length=64, vocabulary=84, embed=0, peers=TRAINING, must=3.5, moonshot=4.5)
_sample = Workload("sample", "100 tokens of one text from the recipes model", kind="sample", batch=1,
                   length=100, peers=SAMPLING + PREFIX, must=5, moonshot=8)
_fashion = Workload("fashion", "PixelCNN, 5 blocks of 128 filters, 16 x 16 pixels in 4 levels, batch 128, Adam",
                    kind="pixels", batch=128, length=16, vocabulary=4, layers=5, units=128,
                    peers=["torch-eager", "torch-compiled", "torch-bf16"], must=3.3, moonshot=4)
_pixels = replace(_fashion, of="fashion", peers=["torch-eager"], must=2.5, moonshot=0)

WORKLOADS = [
    _recipes,
    replace(_recipes, name="recipes-2", says="the same, two layers", layers=2, peers=TRAINING, must=2.8, moonshot=3.6),
    replace(_recipes, name="recipes-gru", says="the same, GRU", cell="gru", peers=TRAINING),
    replace(_recipes, name="recipes-real", says="recipes, shuffled batches of the real data", kind="real",
            peers=["torch-eager", "torch-compiled", "torch-bf16", "torch-rows", "keras"], must=3.5, moonshot=5),
    Workload("fables", "LSTM 256, embedding 100, vocabulary 4,169, batch 32 x 20, last state only, RMSprop",
             length=20, vocabulary=4169, units=256, last_only=True, optimizer="rmsprop", peers=TRAINING,
             must=2, moonshot=3),
    _chars,
    replace(_chars, name="chars-128", says="the same, batch 128 x 64", batch=128, must=3, moonshot=4),
    _sample,
    _fashion,
    replace(_pixels, name="fashion-28", says="the same, 28 x 28 pixels, batch 32", length=28, batch=32),
    replace(_pixels, name="fashion-64", says="the same, 64 filters", units=64),
    replace(_pixels, name="fashion-192", says="the same, 192 filters, batch 64", units=192, batch=64),
    replace(_pixels, name="fashion-256", says="the same, 256 levels", vocabulary=256),
    replace(_pixels, name="fashion-32", says="the same, batch 32", batch=32),
    Workload("mixture-real", "fashion-mixture, 32 x 32 pixels in 256 levels, batch 128, Adam; shuffled batches of the "
             "real pictures, in PyTorch one random batch", kind="mixture", batch=128, length=32,
             peers=["torch-eager", "torch-compiled", "torch-bf16"]),
    replace(_sample, name="sample-16", says="the same, 16 texts at once", batch=16, peers=SAMPLING, must=0,
            moonshot=0),
]

# Goals of pairs that have their own: (workload, peer) -> (must, moonshot).
OWN_GOALS = {("sample", "keras-prefix"): (200, 500), ("sample", "torch-prefix"): (15, 30)}
# In bf16, against the better of the peers' f32 and bf16; of training only where there are tiles.
BF16_GOALS = {"recipes": (4, 8), "recipes-2": (4, 8), "recipes-gru": (4, 8), "chars-128": (4, 8),
              "fables": (2.5, 8), "chars-8": (2.5, 8)}
BF16_SAMPLE_GOAL = (8, 12)
# Against the fastest f32 peer: memory when training, time until the first step may begin.
MEMORY_GOAL = ("recipes", 8, 12)
START_GOAL = ("recipes-real", 50, 200)


def is_f32(peer):
    return not peer.endswith("bf16")


def has_goal_of_workload(workload, peer):
    """Whether the workload's goal is about this peer; others have goals of their own or none."""
    return is_f32(peer) and (workload.name, peer) not in OWN_GOALS
