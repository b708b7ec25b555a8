#!/usr/bin/python3
"""model_bench beside PyTorch, in one run on one machine: images a second of a ViT in timm's names, batch 1, one thread's own time.

    /usr/bin/python3 tests/bench/model_torch.py build/release/bin/model_bench MODEL_FOLDER IMAGES [TURNS]

PyTorch runs without OPENBLAS_* in the environment: with a core type of another processor set there it is half as fast.
"""
import json
import os
import pathlib
import struct
import subprocess
import sys
import time

os.environ = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")} | {"OMP_NUM_THREADS": "1"}
if __name__ == "__main__" and "--worker" not in sys.argv:
    bench, model, images = sys.argv[1:4]
    for turn in range(int(sys.argv[4]) if len(sys.argv) > 4 else 2):
        subprocess.run([sys.executable, __file__, "--worker", model], env=os.environ, check=True)
        subprocess.run([bench, model, images, "8", "1"], env=os.environ, check=True)
    sys.exit()

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

TYPES = {"F32": np.float32, "F16": np.float16}


def load(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {n: torch.from_numpy(np.frombuffer(data[8 + size:][slice(*t["data_offsets"])], TYPES[t["dtype"]])
                                .reshape(t["shape"]).astype(np.float32)) for n, t in header.items() if t["dtype"] in TYPES}


def forward(w, x, layers, heads):
    width = w["cls_token"].shape[-1]
    x = F.conv2d(x, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=w["patch_embed.proj.weight"].shape[-1])
    x = torch.cat([w["cls_token"].expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1) + w["pos_embed"]
    for i in range(layers):
        at = f"blocks.{i}."
        y = F.layer_norm(x, (width,), w[at + "norm1.weight"], w[at + "norm1.bias"], 1e-6)
        q, k, v = F.linear(y, w[at + "attn.qkv.weight"], w[at + "attn.qkv.bias"]).view(*y.shape[:2], 3, heads, -1).permute(2, 0, 3, 1, 4)
        y = (((q @ k.transpose(2, 3)) * q.shape[-1] ** -0.5).softmax(-1) @ v).transpose(1, 2).reshape(y.shape)
        x = x + F.linear(y, w[at + "attn.proj.weight"], w[at + "attn.proj.bias"])
        y = F.layer_norm(x, (width,), w[at + "norm2.weight"], w[at + "norm2.bias"], 1e-6)
        y = F.gelu(F.linear(y, w[at + "mlp.fc1.weight"], w[at + "mlp.fc1.bias"]))
        x = x + F.linear(y, w[at + "mlp.fc2.weight"], w[at + "mlp.fc2.bias"])
    x = F.layer_norm(x[:, 0], (width,), w["norm.weight"], w["norm.bias"], 1e-6)
    return F.linear(x, w["head.weight"], w["head.bias"])


def main():
    torch.set_num_threads(1)
    folder = pathlib.Path(sys.argv[2])
    w = load(folder / "model.safetensors")
    layers = len({n.split(".")[1] for n in w if n.startswith("blocks.")})
    patch, positions = w["patch_embed.proj.weight"].shape[-1], w["pos_embed"].shape[1] - 1
    side = patch * int(positions ** 0.5)
    x = torch.randn(1, w["patch_embed.proj.weight"].shape[1], side, side)
    heads = json.loads((folder / "config.json").read_text()).get("num_heads", w["cls_token"].shape[-1] // 64)
    best = 1e9
    with torch.no_grad():
        for _ in range(12):
            start = time.process_time()
            forward(w, x, layers, heads)
            best = min(best, time.process_time() - start)
    print(f"PyTorch f32    1 thread  {1 / best:8.2f} images/s {1e3 * best:9.2f} ms", flush=True)


main()
