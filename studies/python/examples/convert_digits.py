#!/usr/bin/python3
"""Converts a torch model and reproduces `flare accuracy`, answer by answer.

    cmake --preset release -DFLARE_PYTHON=ON && ninja -C build/release
    PYTHONPATH=build/release/python /usr/bin/python3 studies/python/examples/convert_digits.py [--quantizer Q] [--mode die] [--feed-forward]

The model is an ordinary torch.nn.Module that takes the weights of data/models/digits_vit. Prints its accuracy and its answers, and
the command whose table says the same.
"""
import argparse
import json
import pathlib
import struct

import numpy as np
import torch
from torch import nn

import flare.torch
from flare.arrays import ErrorModel

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.down(nn.functional.gelu(self.up(self.norm2(x))))


class Vit(nn.Module):
    """8 x 8 pixels in patches of 2 x 2."""

    def __init__(self, width=64, heads=4, layers=4, hidden=128):
        super().__init__()
        self.embed = nn.Linear(4, width)
        self.token, self.positions = nn.Parameter(torch.zeros(width)), nn.Parameter(torch.zeros(17, width))
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 10)

    def forward(self, images):
        n = len(images)
        patches = images.view(n, 4, 2, 4, 2).permute(0, 1, 3, 2, 4).reshape(n, 16, 4)
        x = torch.cat([self.token.expand(n, 1, -1), self.embed(patches)], 1) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, 0]))


def tensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    return {name: torch.from_numpy(np.frombuffer(data[8 + length:][slice(*t["data_offsets"])], np.float32)
                                   .reshape(t["shape"]).copy()) for name, t in header.items()}


def state(w):
    s = {"embed.weight": w["patch_embedding.weight"].T, "embed.bias": w["patch_embedding.bias"], "token": w["class_token"].flatten(),
         "positions": w["position_embedding"], "norm.weight": w["norm.weight"], "norm.bias": w["norm.bias"],
         "head.weight": w["head.weight"].T, "head.bias": w["head.bias"]}
    for i in range(4):
        at, to = f"layers.{i}.", f"blocks.{i}."
        for norm in ("norm1", "norm2"):
            for part in ("weight", "bias"):
                s[f"{to}{norm}.{part}"] = w[f"{at}{norm}.{part}"]
        s[to + "attention.in_proj_weight"] = torch.cat([w[f"{at}attention.{p}.weight"].T for p in ("query", "key", "value")])
        s[to + "attention.in_proj_bias"] = torch.zeros(3 * 64)
        s[to + "attention.out_proj.weight"] = w[at + "attention.output.weight"].T
        s[to + "attention.out_proj.bias"] = w[at + "attention.output.bias"]
        for linear in ("up", "down"):
            s[f"{to}{linear}.weight"], s[f"{to}{linear}.bias"] = w[f"{at}mlp.{linear}.weight"].T, w[f"{at}mlp.{linear}.bias"]
    return s


def digits(split):
    rows = [line.split(",") for line in (ROOT / "data/digits/digits.csv").read_text().splitlines()[1:]]
    rows = [r for r in rows if r[0] == split]
    images = torch.tensor([[float(p) for p in r[2:]] for r in rows]).view(-1, 8, 8) / 16
    return images, [int(r[1]) for r in rows]


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quantizer", default="emsbq", choices=["emsbq", "int8"])
    parser.add_argument("--mode", default="read", choices=["read", "die"])
    parser.add_argument("--feed-forward", action="store_true", help="its products lie on arrays, too")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    o = options()
    torch.set_num_threads(1)
    model = Vit()
    model.load_state_dict(state(tensors(ROOT / "data/models/digits_vit/model.safetensors")))
    errors = ErrorModel.gaussian(8, cells=0.03, off_cells=0.01, offsets=0.03, noise=0.02)
    setting = flare.torch.Setting(o.quantizer, errors, mode=o.mode, seed=flare.torch.repeat_seed(o.seed, 0))
    layers = ["blocks.*.attention"] + (["blocks.*.up", "blocks.*.down"] if o.feed_forward else [])
    noisy = flare.torch.convert(model, dict.fromkeys(layers, setting), calibration=digits("train")[0][:64], tokens=17)
    images, labels = digits("test")
    with torch.no_grad():
        answers = noisy(images).argmax(1).tolist()
    right = sum(a == y for a, y in zip(answers, labels))
    arrays = "synthetic:sawl=8,cells=0.03,off_cells=0.01,offsets=0.03,noise=0.02"
    print(json.dumps({"accuracy": right / len(answers), "answers": answers}))
    print(f"flare accuracy --model data/models/digits_vit --dataset data/digits/digits.csv --weight-arrays {arrays} "
          f"--dynamic-arrays {arrays} --quantizer {o.quantizer} --modes {o.mode} --repeats 1 "
          f"--seed {o.seed}" + (" --feed-forward arrays" if o.feed_forward else ""))


if __name__ == "__main__":
    main()
