// Vision transformers.
#include "flare_arch/models/family_tables.hpp"

namespace flare::arch {
namespace {

using S = ModelSpec;
using I = ImageInput;

ModelSpec image_model(double epsilon, const std::vector<double>& mean, const std::vector<double>& deviation) {
  ModelSpec s;
  s.epsilon = epsilon;
  s.extra_tokens = 1;
  s.image = {3, 0, 0, false, 1.0 / 255, mean, deviation};
  return s;
}

/// ImageNet's mean and deviation, which timm and DeiT use.
ModelSpec imagenet_model(double epsilon) {
  return image_model(epsilon, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225});
}

}  // namespace

Family digits_family() {
  Family f;
  f.name = "flare-vit";
  f.model_types = {"flare-vit"};
  f.common.extra_tokens = 1;
  f.common.image.channels = 1;
  f.keys = {{"image_size", &I::size},  {"patch_size", &I::patch},
            {"width", &S::width},      {"layers", &S::layers},
            {"heads", &S::heads},      {"mlp_width", &S::mlp_width},
            {"classes", &S::classes},  {"layer_norm_epsilon", &S::epsilon},
            {"pixel_scale", &I::scale}};
  f.without_bias = {Part::query, Part::key, Part::value};
  f.prefixes = {""};
  f.stored_transposed = true;
  f.tensors = {{Part::patch_embedding, "patch_embedding."},
               {Part::class_token, "class_token"},
               {Part::position_table, "position_embedding"},
               {Part::attention_norm, "layers.{}.norm1."},
               {Part::query, "layers.{}.attention.query."},
               {Part::key, "layers.{}.attention.key."},
               {Part::value, "layers.{}.attention.value."},
               {Part::attention_output, "layers.{}.attention.output."},
               {Part::mlp_norm, "layers.{}.norm2."},
               {Part::mlp_up, "layers.{}.mlp.up."},
               {Part::mlp_down, "layers.{}.mlp.down."},
               {Part::final_norm, "norm."},
               {Part::head, "head."}};
  return f;
}

/// pytorch-image-models: heads are 64 wide unless model_args says otherwise.
Family timm_family() {
  Family f;
  f.name = "timm ViT";
  f.model_types = {"timm"};
  f.common = imagenet_model(1e-6);
  f.keys = {{"num_classes", &S::classes}, {"num_features", &S::width}, {"embed_dim", &S::width},
            {"depth", &S::layers},        {"num_heads", &S::heads},    {"img_size", &I::size},
            {"patch_size", &I::patch},    {"in_chans", &I::channels}};
  f.fixed = {{"class_token", {"true"}}, {"qk_norm", {"false"}}, {"dynamic_img_size", {"false"}}};
  f.ignored = {"architecture", "pretrained_cfg", "model_args", "global_pool", "qkv_bias", "mlp_ratio"};
  f.without_bias = {Part::query_key_value};
  f.prefixes = {"", "model.", "module."};
  f.tensors = {{Part::patch_embedding, "patch_embed.proj."},
               {Part::class_token, "cls_token"},
               {Part::distillation_token, "dist_token"},
               {Part::position_table, "pos_embed"},
               {Part::attention_norm, "blocks.{}.norm1."},
               {Part::query_key_value, "blocks.{}.attn.qkv."},
               {Part::attention_output, "blocks.{}.attn.proj."},
               {Part::mlp_norm, "blocks.{}.norm2."},
               {Part::mlp_up, "blocks.{}.mlp.fc1."},
               {Part::mlp_down, "blocks.{}.mlp.fc2."},
               {Part::final_norm, "norm."},
               {Part::pooled_norm, "fc_norm."},
               {Part::head, "head."},
               {Part::second_head, "head_dist."}};
  return f;
}

Family hugging_face_vit_family() {
  Family f;
  f.name = "Hugging Face ViT";
  f.model_types = {"vit", "deit"};
  f.common = image_model(1e-12, {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5});
  f.keys = hugging_face_keys();
  f.fixed = {{"pooler_act", {"\"tanh\""}}};
  f.ignored = {"qkv_bias", "encoder_stride", "pooler_output_size"};
  f.without_bias = {Part::query, Part::key, Part::value};
  f.prefixes = {"vit.", "deit.", ""};
  f.tensors = {{Part::patch_embedding, "embeddings.patch_embeddings.projection."},
               {Part::class_token, "embeddings.cls_token"},
               {Part::distillation_token, "embeddings.distillation_token"},
               {Part::position_table, "embeddings.position_embeddings"},
               {Part::attention_norm, "encoder.layer.{}.layernorm_before."},
               {Part::query, "encoder.layer.{}.attention.attention.query."},
               {Part::key, "encoder.layer.{}.attention.attention.key."},
               {Part::value, "encoder.layer.{}.attention.attention.value."},
               {Part::attention_output, "encoder.layer.{}.attention.output.dense."},
               {Part::mlp_norm, "encoder.layer.{}.layernorm_after."},
               {Part::mlp_up, "encoder.layer.{}.intermediate.dense."},
               {Part::mlp_down, "encoder.layer.{}.output.dense."},
               {Part::final_norm, "layernorm."},
               {Part::head, "classifier.", NameScope::whole},
               {Part::head, "cls_classifier.", NameScope::whole},
               {Part::second_head, "distillation_classifier.", NameScope::whole}};
  f.skipped = {"*embeddings.mask_token", "*pooler.dense.*"};
  return f;
}

/// The widely copied module of vit-pytorch: its heads need not fill the width, its qkv has no bias.
Family vit_pytorch_family() {
  Family f;
  f.name = "vit-pytorch";
  f.model_types = {"vit_pytorch"};
  f.common = image_model(1e-5, {}, {});
  f.common.image.channels = 0;  // as the patches' embedding tells
  f.common.image.pixels_last = true;
  f.common.head_width = 64;
  f.keys = {{"image_size", &I::size},      {"patch_size", &I::patch},    {"channels", &I::channels},
            {"num_classes", &S::classes},  {"dim", &S::width},           {"depth", &S::layers},
            {"heads", &S::heads},          {"dim_head", &S::head_width}, {"mlp_dim", &S::mlp_width},
            {"activation", &S::activation}};
  f.fixed = {{"pool", {"\"cls\""}}};
  f.ignored = {"image_mean", "image_std"};
  f.without_bias = {Part::query_key_value};
  f.prefixes = {""};
  f.tensors = {{Part::patch_embedding, "to_patch_embedding.1."},
               {Part::class_token, "cls_token"},
               {Part::position_table, "pos_embedding"},
               {Part::attention_norm, "transformer.layers.{}.0.norm."},
               {Part::query_key_value, "transformer.layers.{}.0.fn.to_qkv."},
               {Part::attention_output, "transformer.layers.{}.0.fn.to_out.0."},
               {Part::mlp_norm, "transformer.layers.{}.1.norm."},
               {Part::mlp_up, "transformer.layers.{}.1.fn.net.0."},
               {Part::mlp_down, "transformer.layers.{}.1.fn.net.3."},
               {Part::final_norm, "mlp_head.0."},
               {Part::head, "mlp_head.1."}};
  return f;
}

}  // namespace flare::arch
