#!/usr/bin/python3
"""Tiny models of every family, with random weights, and the logits PyTorch computes for them:

    families/NAME/config.json, model.safetensors    as users have them
    families/NAME/golden.safetensors                inputs (padded), attention_mask, logits

Needs Debian's python3-torch only:   /usr/bin/python3 tests/flare_arch/golden/make_families.py

Each forward pass is written after the family's published code, on torch's own layers (nn.TransformerEncoder,
F.multi_head_attention_forward, F.layer_norm); batches are padded and masked, so that logits do not depend on padding.
"""
import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F
from torch import nn

HERE = pathlib.Path(__file__).parent / "families"
D, M, H, LAYERS, VOCABULARY, POSITIONS, CLASSES = 8, 12, 2, 2, 20, 12, 3
LENGTHS = [9, 1, 5, 7]  # true tokens of the examples
KINDS = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16", torch.int64: "I64"}
torch.manual_seed(20)
torch.set_num_threads(1)


def write(path, tensors):
    header, data = {}, b""
    for name, t in tensors.items():
        t = t.detach().contiguous()
        raw = t.view(torch.int16).numpy().tobytes() if t.dtype in (torch.bfloat16, torch.float16) else t.numpy().tobytes()
        header[name] = {"dtype": KINDS[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Weights(dict):
    """Tensors by name; `rounded`: to what BF16 holds exactly."""

    def __init__(self, *items, rounded=False):
        super().__init__(*items)
        self.rounded = rounded

    def __setitem__(self, name, t):
        super().__setitem__(name, t.bfloat16().float() if self.rounded else t)

    def linear(self, name, inputs, outputs, bias=True):
        self[name + "weight"] = torch.randn(outputs, inputs) * 1.5 / math.sqrt(inputs)
        if bias:
            self[name + "bias"] = torch.randn(outputs) * 0.5

    def norm(self, name, bias=True):
        self[name + "weight"] = 1 + 0.3 * torch.randn(D)
        if bias:
            self[name + "bias"] = 0.3 * torch.randn(D)

    def table(self, name, *shape):
        self[name] = torch.randn(*shape)

    def apply(self, name, x):
        return F.linear(x, self[name + "weight"], self.get(name + "bias"))

    def normed(self, name, x, eps):
        return F.layer_norm(x, (D,), self[name + "weight"], self[name + "bias"], eps)


def attention(x, q, k, v, o, mask, causal):
    """x: batch x tokens x D; q, k, v, o: (weight, bias); mask: true tokens."""
    n = x.shape[1]
    causal_mask = torch.triu(torch.ones(n, n, dtype=torch.bool), 1) if causal else None
    y = x.transpose(0, 1)
    bias = torch.cat([b if b is not None else torch.zeros(D) for b in (q[1], k[1], v[1])])
    out, _ = F.multi_head_attention_forward(
        y, y, y, D, H, torch.cat([q[0], k[0], v[0]]), bias, None, None, False, 0.0, o[0], o[1], training=False,
        key_padding_mask=~mask, need_weights=False, attn_mask=causal_mask)
    return out.transpose(0, 1)


def pair(w, name):
    return w[name + "weight"], w.get(name + "bias")


def text_batch(first=2):
    ids = torch.randint(first, VOCABULARY, (len(LENGTHS), max(LENGTHS)))
    mask = torch.arange(max(LENGTHS))[None] < torch.tensor(LENGTHS)[:, None]
    return ids, mask


def save(name, config, w, golden):
    folder = HERE / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    if golden["logits"].dim() == 2:  # of a classifier: what it answers
        golden["labels"] = golden["logits"].argmax(1)
    write(folder / "model.safetensors", w)
    write(folder / "golden.safetensors", golden)


def save_text(name, config, w, ids, mask, logits, types=None):
    golden = {"input_ids": ids, "attention_mask": mask.long(), "logits": logits.float()}
    if types is not None:
        golden["token_type_ids"] = types
    save(name, config, w, golden)


def labels_of(n):
    return {str(i): f"class {i}" for i in range(n)}


def bert(name, model_type, prefix, offset, types, eps):
    w = Weights(rounded=model_type == "bert")
    w.table(prefix + "embeddings.word_embeddings.weight", VOCABULARY, D)
    w.table(prefix + "embeddings.position_embeddings.weight", POSITIONS + offset, D)
    w.table(prefix + "embeddings.token_type_embeddings.weight", types, D)
    w.norm(prefix + "embeddings.LayerNorm.")
    for i in range(LAYERS):
        at = f"{prefix}encoder.layer.{i}."
        for p in ("query", "key", "value"):
            w.linear(at + f"attention.self.{p}.", D, D)
        w.linear(at + "attention.output.dense.", D, D)
        w.norm(at + "attention.output.LayerNorm.")
        w.linear(at + "intermediate.dense.", D, M)
        w.linear(at + "output.dense.", M, D)
        w.norm(at + "output.LayerNorm.")
    head = ("classifier.dense.", "classifier.out_proj.") if model_type == "roberta" else (prefix + "pooler.dense.", "classifier.")
    w.linear(head[0], D, D)
    w.linear(head[1], D, CLASSES)
    ids, mask = text_batch()
    type_ids = torch.randint(0, types, ids.shape)
    if offset:
        ids[~mask] = offset - 1
        positions = torch.cumsum(mask.long(), 1) * mask + offset - 1
    else:
        positions = torch.arange(ids.shape[1])[None].expand_as(ids)
    x = (w[prefix + "embeddings.word_embeddings.weight"][ids] + w[prefix + "embeddings.position_embeddings.weight"][positions]
         + w[prefix + "embeddings.token_type_embeddings.weight"][type_ids])
    x = w.normed(prefix + "embeddings.LayerNorm.", x, eps)
    for i in range(LAYERS):
        at = f"{prefix}encoder.layer.{i}."
        a = attention(x, *(pair(w, at + f"attention.self.{p}.") for p in ("query", "key", "value")),
                      pair(w, at + "attention.output.dense."), mask, False)
        x = w.normed(at + "attention.output.LayerNorm.", x + a, eps)
        h = w.apply(at + "output.dense.", F.gelu(w.apply(at + "intermediate.dense.", x)))
        x = w.normed(at + "output.LayerNorm.", x + h, eps)
    logits = w.apply(head[1], torch.tanh(w.apply(head[0], x[:, 0])))
    config = {"model_type": model_type, "hidden_size": D, "num_hidden_layers": LAYERS, "num_attention_heads": H,
              "intermediate_size": M, "hidden_act": "gelu", "layer_norm_eps": eps, "vocab_size": VOCABULARY,
              "max_position_embeddings": POSITIONS + offset, "type_vocab_size": types, "pad_token_id": max(0, offset - 1),
              "hidden_dropout_prob": 0.1, "id2label": labels_of(CLASSES), "architectures": ["ForSequenceClassification"]}
    extra = Weights(w)
    extra["cls.predictions.bias" if model_type == "bert" else "lm_head.bias"] = torch.zeros(VOCABULARY)  # of the pretraining
    save_text(name, config, extra, ids, mask, logits, type_ids)
    return config, extra


def distilbert():
    w, eps = Weights(), 1e-12
    w.table("distilbert.embeddings.word_embeddings.weight", VOCABULARY, D)
    w.table("distilbert.embeddings.position_embeddings.weight", POSITIONS, D)
    w.norm("distilbert.embeddings.LayerNorm.")
    for i in range(LAYERS):
        at = f"distilbert.transformer.layer.{i}."
        for p in ("q_lin", "k_lin", "v_lin", "out_lin"):
            w.linear(at + f"attention.{p}.", D, D)
        w.norm(at + "sa_layer_norm.")
        w.linear(at + "ffn.lin1.", D, M)
        w.linear(at + "ffn.lin2.", M, D)
        w.norm(at + "output_layer_norm.")
    w.linear("pre_classifier.", D, D)
    w.linear("classifier.", D, CLASSES)
    ids, mask = text_batch()
    x = w["distilbert.embeddings.word_embeddings.weight"][ids] + w["distilbert.embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = w.normed("distilbert.embeddings.LayerNorm.", x, eps)
    for i in range(LAYERS):
        at = f"distilbert.transformer.layer.{i}."
        a = attention(x, *(pair(w, at + f"attention.{p}.") for p in ("q_lin", "k_lin", "v_lin", "out_lin")), mask, False)
        x = w.normed(at + "sa_layer_norm.", x + a, eps)
        x = w.normed(at + "output_layer_norm.", x + w.apply(at + "ffn.lin2.", F.gelu(w.apply(at + "ffn.lin1.", x))), eps)
    logits = w.apply("classifier.", F.relu(w.apply("pre_classifier.", x[:, 0])))
    config = {"model_type": "distilbert", "dim": D, "n_layers": LAYERS, "n_heads": H, "hidden_dim": M, "activation": "gelu",
              "vocab_size": VOCABULARY, "max_position_embeddings": POSITIONS, "sinusoidal_pos_embds": False,
              "id2label": labels_of(CLASSES)}
    save_text("distilbert", config, w, ids, mask, logits)


def gelu_new(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def gpt2():
    w, eps = Weights(), 1e-5
    w.table("transformer.wte.weight", VOCABULARY, D)
    w.table("transformer.wpe.weight", POSITIONS, D)
    for i in range(LAYERS):
        at = f"transformer.h.{i}."
        w.norm(at + "ln_1.")
        w.linear(at + "attn.c_attn.", D, 3 * D)
        w.linear(at + "attn.c_proj.", D, D)
        w.norm(at + "ln_2.")
        w.linear(at + "mlp.c_fc.", D, 4 * D)
        w.linear(at + "mlp.c_proj.", 4 * D, D)
    w.norm("transformer.ln_f.")
    ids, mask = text_batch()
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][: ids.shape[1]]
    for i in range(LAYERS):
        at = f"transformer.h.{i}."
        qkv = list(zip(w[at + "attn.c_attn.weight"].chunk(3), w[at + "attn.c_attn.bias"].chunk(3)))
        x = x + attention(w.normed(at + "ln_1.", x, eps), *qkv, pair(w, at + "attn.c_proj."), mask, True)
        x = x + w.apply(at + "mlp.c_proj.", gelu_new(w.apply(at + "mlp.c_fc.", w.normed(at + "ln_2.", x, eps))))
    logits = w.normed("transformer.ln_f.", x, eps) @ w["transformer.wte.weight"].T
    logits[~mask] = 0
    stored = Weights()
    for name, t in w.items():  # its linear layers are (inputs, outputs)
        stored[name] = t.T if ".h." in name and t.dim() == 2 else t
        if name.endswith("c_attn.bias"):
            stored[name.replace("c_attn.bias", "bias")] = torch.tril(torch.ones(1, 1, POSITIONS, POSITIONS))
    config = {"model_type": "gpt2", "n_embd": D, "n_layer": LAYERS, "n_head": H, "n_inner": None, "n_positions": POSITIONS,
              "n_ctx": POSITIONS, "vocab_size": VOCABULARY, "activation_function": "gelu_new", "layer_norm_epsilon": eps,
              "scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False, "attn_pdrop": 0.1,
              "summary_type": "cls_index"}
    save_text("gpt2", config, stored, ids, mask, logits)


def rms(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rotate(x, theta, interleaved):
    """x: batch x heads x tokens x head width."""
    d, n = x.shape[-1], x.shape[-2]
    angle = torch.arange(n).float()[:, None] * theta ** (-torch.arange(0, d, 2).float() / d)[None]
    c, s = angle.cos(), angle.sin()
    if interleaved:
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack([a * c - b * s, a * s + b * c], -1).flatten(-2)
    half = torch.cat([-x[..., d // 2:], x[..., : d // 2]], -1)
    return x * torch.cat([c, c], -1) + half * torch.cat([s, s], -1)


def llama(name, interleaved, tied, bias, layers=LAYERS):
    heads, groups, width, eps, theta = 4, 2, 4, 1e-5, 500.0
    w = Weights()
    w.table("model.embed_tokens.weight", VOCABULARY, D)
    for i in range(layers):
        at = f"model.layers.{i}."
        w.norm(at + "input_layernorm.", False)
        w.linear(at + "self_attn.q_proj.", D, heads * width, bias)
        w.linear(at + "self_attn.k_proj.", D, groups * width, bias)
        w.linear(at + "self_attn.v_proj.", D, groups * width, bias)
        w.linear(at + "self_attn.o_proj.", heads * width, D, False)
        w.norm(at + "post_attention_layernorm.", False)
        for p in ("gate_proj", "up_proj"):
            w.linear(at + f"mlp.{p}.", D, M, False)
        w.linear(at + "mlp.down_proj.", M, D, False)
    w.norm("model.norm.", False)
    if not tied:
        w.linear("lm_head.", D, VOCABULARY, False)
    ids, mask = text_batch()
    b, n = ids.shape
    x = w["model.embed_tokens.weight"][ids]
    later = torch.triu(torch.full((n, n), float("-inf")), 1)
    for i in range(layers):
        at = f"model.layers.{i}."
        y = rms(x, w[at + "input_layernorm.weight"], eps)

        def split(p, h):
            return w.apply(at + f"self_attn.{p}.", y).view(b, n, h, width).transpose(1, 2)

        q, k = rotate(split("q_proj", heads), theta, interleaved), rotate(split("k_proj", groups), theta, interleaved)
        k, v = (t.repeat_interleave(heads // groups, 1) for t in (k, split("v_proj", groups)))
        p = (q @ k.transpose(2, 3) / math.sqrt(width) + later).softmax(-1)
        x = x + w.apply(at + "self_attn.o_proj.", (p @ v).transpose(1, 2).reshape(b, n, heads * width))
        y = rms(x, w[at + "post_attention_layernorm.weight"], eps)
        x = x + w.apply(at + "mlp.down_proj.", F.silu(w.apply(at + "mlp.gate_proj.", y)) * w.apply(at + "mlp.up_proj.", y))
    logits = rms(x, w["model.norm.weight"], eps) @ w["model.embed_tokens.weight" if tied else "lm_head.weight"].T
    logits[~mask] = 0
    config = {"model_type": "qwen2" if bias else "llama", "hidden_size": D, "num_hidden_layers": layers,
              "num_attention_heads": heads, "num_key_value_heads": groups, "head_dim": width, "intermediate_size": M,
              "hidden_act": "silu", "rms_norm_eps": eps, "rope_theta": theta, "rope_scaling": None,
              "vocab_size": VOCABULARY, "max_position_embeddings": POSITIONS, "tie_word_embeddings": tied}
    if interleaved:
        config["rope_interleaved"] = True
    if bias:
        config.update(sliding_window=4, use_sliding_window=False)
    save_text(name, config, w, ids, mask, logits)


CHANNELS, SIZE, PATCH = 3, 8, 4


def patches_of(images, kernel, bias):
    return F.conv2d(images, kernel, bias, stride=PATCH).flatten(2).transpose(1, 2)


def save_images(name, config, w, images, logits):
    save(name, config, w, {"pixel_values": images, "logits": logits})


def pre_norm_blocks(w, x, names, eps):
    mask = torch.ones(x.shape[:2], dtype=torch.bool)
    for i in range(LAYERS):
        n = {k: v.format(i) for k, v in names.items()}
        y = w.normed(n["norm1"], x, eps)
        if "qkv" in n:
            fused = w[n["qkv"] + "weight"].chunk(3), w.get(n["qkv"] + "bias", torch.zeros(3 * D)).chunk(3)
            qkv = list(zip(*fused))
        else:
            qkv = [pair(w, n[p]) for p in ("query", "key", "value")]
        x = x + attention(y, *qkv, pair(w, n["out"]), mask, False)
        x = x + w.apply(n["down"], F.gelu(w.apply(n["up"], w.normed(n["norm2"], x, eps))))
    return x


def make_blocks(w, names, bias=True):
    for i in range(LAYERS):
        n = {k: v.format(i) for k, v in names.items()}
        w.norm(n["norm1"])
        if "qkv" in n:
            w.linear(n["qkv"], D, 3 * D, bias)
        else:
            for p in ("query", "key", "value"):
                w.linear(n[p], D, D, bias)
        w.linear(n["out"], D, D)
        w.norm(n["norm2"])
        w.linear(n["up"], D, M)
        w.linear(n["down"], M, D)


def timm(name, distilled=False, average=False, bias=True):
    names = {"norm1": "blocks.{}.norm1.", "qkv": "blocks.{}.attn.qkv.", "out": "blocks.{}.attn.proj.",
             "norm2": "blocks.{}.norm2.", "up": "blocks.{}.mlp.fc1.", "down": "blocks.{}.mlp.fc2."}
    w, eps, extra = Weights(), 1e-6, 2 if distilled else 1
    w.table("cls_token", 1, 1, D)
    if distilled:
        w.table("dist_token", 1, 1, D)
    w.table("pos_embed", 1, (SIZE // PATCH) ** 2 + extra, D)
    w["patch_embed.proj.weight"] = torch.randn(D, CHANNELS, PATCH, PATCH) * 0.2
    w["patch_embed.proj.bias"] = torch.randn(D)
    make_blocks(w, names, bias)
    w.norm("fc_norm." if average else "norm.")
    w.linear("head.", D, CLASSES)
    if distilled:
        w.linear("head_dist.", D, CLASSES)
    images = torch.randn(3, CHANNELS, SIZE, SIZE)
    x = patches_of(images, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"])
    tokens = [w["cls_token"]] + ([w["dist_token"]] if distilled else [])
    x = torch.cat([t.expand(len(x), -1, -1) for t in tokens] + [x], 1) + w["pos_embed"]
    x = pre_norm_blocks(w, x, names, eps)
    if average:
        logits = w.apply("head.", w.normed("fc_norm.", x[:, 1:].mean(1), eps))
    else:
        x = w.normed("norm.", x, eps)
        logits = w.apply("head.", x[:, 0])
        if distilled:
            logits = (logits + w.apply("head_dist.", x[:, 1])) / 2
    config = {"architecture": "deit_tiny_distilled_patch16_224" if distilled else "vit_tiny_patch16_224",
              "num_classes": CLASSES, "num_features": D, "global_pool": "avg" if average else "token",
              "model_args": {"num_heads": H},
              "pretrained_cfg": {"input_size": [CHANNELS, SIZE, SIZE], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}
    save_images(name, config, w, images, logits)


def hugging_face_vit():
    at = "vit.encoder.layer.{}."
    names = {"norm1": at + "layernorm_before.", "query": at + "attention.attention.query.", "key": at + "attention.attention.key.",
             "value": at + "attention.attention.value.", "out": at + "attention.output.dense.", "norm2": at + "layernorm_after.",
             "up": at + "intermediate.dense.", "down": at + "output.dense."}
    w, eps = Weights(), 1e-12
    w.table("vit.embeddings.cls_token", 1, 1, D)
    w.table("vit.embeddings.position_embeddings", 1, (SIZE // PATCH) ** 2 + 1, D)
    w["vit.embeddings.patch_embeddings.projection.weight"] = torch.randn(D, CHANNELS, PATCH, PATCH) * 0.2
    w["vit.embeddings.patch_embeddings.projection.bias"] = torch.randn(D)
    make_blocks(w, names)
    w.norm("vit.layernorm.")
    w.linear("classifier.", D, CLASSES)
    images = torch.randn(3, CHANNELS, SIZE, SIZE)
    x = patches_of(images, w["vit.embeddings.patch_embeddings.projection.weight"], w["vit.embeddings.patch_embeddings.projection.bias"])
    x = torch.cat([w["vit.embeddings.cls_token"].expand(len(x), -1, -1), x], 1) + w["vit.embeddings.position_embeddings"]
    x = w.normed("vit.layernorm.", pre_norm_blocks(w, x, names, eps), eps)
    config = {"model_type": "vit", "hidden_size": D, "num_hidden_layers": LAYERS, "num_attention_heads": H, "intermediate_size": M,
              "hidden_act": "gelu", "layer_norm_eps": eps, "image_size": SIZE, "patch_size": PATCH, "num_channels": CHANNELS,
              "qkv_bias": True, "encoder_stride": 16, "id2label": labels_of(CLASSES)}
    save_images("vit", config, w, images, w.apply("classifier.", x[:, 0]))


def torch_encoder(name, norm_first, activation, pooling):
    layer = nn.TransformerEncoderLayer(D, H, M, 0.0, activation, batch_first=True, norm_first=norm_first)
    encoder = nn.TransformerEncoder(layer, LAYERS, nn.LayerNorm(D) if norm_first else None).eval()
    w = Weights()
    with torch.no_grad():
        for key, t in encoder.state_dict().items():
            w["encoder." + key] = t.copy_(torch.randn_like(t) * (0.5 if t.dim() == 1 else 1.5 / math.sqrt(t.shape[1])))
    w.table("embedding.weight", VOCABULARY, D)
    w.table("position_embedding.weight", POSITIONS, D)
    w.linear("head.0.", D, D)
    w.linear("head.2.", D, CLASSES)
    ids, mask = text_batch()
    with torch.no_grad():
        x = encoder(w["embedding.weight"][ids] + w["position_embedding.weight"][: ids.shape[1]], src_key_padding_mask=~mask)
        if x.shape[1] < ids.shape[1]:
            raise ValueError("the fast path cut the padding")
        x = x * mask[..., None]
        x = x[:, 0] if pooling == "first" else x.sum(1) / mask.sum(1, keepdim=True)
        logits = w.apply("head.2.", F.relu(w.apply("head.0.", x)))
    config = {"model_type": "torch_encoder", "d_model": D, "nhead": H, "num_layers": LAYERS, "dim_feedforward": M,
              "activation": activation, "norm_first": norm_first, "pooling": pooling, "pre_head_activation": "relu",
              "batch_first": True, "dropout": 0.0}
    save_text(name, config, w, ids, mask, logits)


def vit_pytorch():
    heads, width, eps = 2, 5, 1e-5
    w = Weights()
    w.table("cls_token", 1, 1, D)
    w.table("pos_embedding", 1, (SIZE // PATCH) ** 2 + 1, D)
    w.linear("to_patch_embedding.1.", PATCH * PATCH * CHANNELS, D)
    for i in range(LAYERS):
        at = f"transformer.layers.{i}."
        w.norm(at + "0.norm.")
        w.linear(at + "0.fn.to_qkv.", D, 3 * heads * width, False)
        w.linear(at + "0.fn.to_out.0.", heads * width, D)
        w.norm(at + "1.norm.")
        w.linear(at + "1.fn.net.0.", D, M)
        w.linear(at + "1.fn.net.3.", M, D)
    w.norm("mlp_head.0.")
    w.linear("mlp_head.1.", D, CLASSES)
    images = torch.randn(3, CHANNELS, SIZE, SIZE)
    side = SIZE // PATCH  # b c (h p1) (w p2) -> b (h w) (p1 p2 c)
    x = images.view(3, CHANNELS, side, PATCH, side, PATCH).permute(0, 2, 4, 3, 5, 1).reshape(3, side * side, -1)
    x = torch.cat([w["cls_token"].expand(3, -1, -1), w.apply("to_patch_embedding.1.", x)], 1) + w["pos_embedding"]
    for i in range(LAYERS):
        at = f"transformer.layers.{i}."
        qkv = w.apply(at + "0.fn.to_qkv.", w.normed(at + "0.norm.", x, eps)).chunk(3, -1)
        q, k, v = (t.view(3, -1, heads, width).transpose(1, 2) for t in qkv)
        p = (q @ k.transpose(2, 3) * width ** -0.5).softmax(-1)
        x = x + w.apply(at + "0.fn.to_out.0.", (p @ v).transpose(1, 2).reshape(3, -1, heads * width))
        x = x + w.apply(at + "1.fn.net.3.", F.relu(w.apply(at + "1.fn.net.0.", w.normed(at + "1.norm.", x, eps))))
    config = {"model_type": "vit_pytorch", "image_size": SIZE, "patch_size": PATCH, "channels": CHANNELS, "num_classes": CLASSES,
              "dim": D, "depth": LAYERS, "heads": heads, "dim_head": width, "mlp_dim": M, "activation": "relu"}
    save_images("vit_pytorch", config, w, images, w.apply("mlp_head.1.", w.normed("mlp_head.0.", x[:, 0], eps)))


def shards(config, w):
    """The BERT in two files of BF16, its norms in the old names."""
    folder = HERE / "bert_shards"
    folder.mkdir(exist_ok=True)
    renamed = {n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): t for n, t in w.items()}
    names = sorted(renamed)
    index = {}
    for number, part in enumerate((names[: len(names) // 2], names[len(names) // 2:]), 1):
        shard = f"model-0000{number}-of-00002.safetensors"
        write(folder / shard, {n: renamed[n].bfloat16() for n in part})
        index.update({n: shard for n in part})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}, indent=1) + "\n")
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")


with torch.no_grad():
    shards(*bert("bert", "bert", "bert.", 0, 2, 1e-12))
    bert("roberta", "roberta", "roberta.", 2, 1, 1e-5)
    distilbert()
    gpt2()
    llama("llama", False, False, False)
    llama("llama_pairs", True, True, False)
    llama("qwen2", False, True, True, 1)
    timm("timm")
    timm("timm_distilled", distilled=True)
    timm("timm_average", average=True, bias=False)
    hugging_face_vit()
    vit_pytorch()
    torch_encoder("torch_post", False, "relu", "mean")
    torch_encoder("torch_pre", True, "gelu", "first")
