// Models of text, and torch's encoder, which may be either.
#include "flare_arch/models/family_tables.hpp"

namespace flare::arch {
namespace {

using S = ModelSpec;
using I = ImageInput;

ModelSpec post_norm_text(double epsilon, int position_offset, Activation pre_head) {
  ModelSpec s;
  s.place = NormPlace::post;
  s.epsilon = epsilon;
  s.embedding_norm = true;
  s.final_norm = false;
  s.position_offset = position_offset;
  s.pre_head = pre_head;
  return s;
}

ModelSpec gpt2_model() {
  ModelSpec s;
  s.causal = true;
  s.activation = Activation::gelu_tanh;
  s.pooling = Pooling::every;
  return s;
}

ModelSpec llama_model() {
  ModelSpec s;
  s.causal = true;
  s.norm = NormKind::rms;
  s.epsilon = 1e-6;
  s.activation = Activation::silu;
  s.gated = true;
  s.position_table = false;
  s.rotary = RotarySpec{};
  s.pooling = Pooling::every;
  return s;
}

ModelSpec torch_model() {
  ModelSpec s;
  s.place = NormPlace::post;
  s.activation = Activation::relu;
  s.pooling = Pooling::mean;
  s.position_table = true;
  return s;
}

const std::vector<FixedKey> bert_fixed = {{"position_embedding_type", {"\"absolute\""}},
                                          {"is_decoder", {"false"}},
                                          {"add_cross_attention", {"false"}},
                                          {"pruned_heads", {"{}"}}};

/// BERT and RoBERTa call their layers alike.
std::vector<TensorName> bert_names() {
  return {{Part::token_table, "embeddings.word_embeddings.weight"},
          {Part::position_table, "embeddings.position_embeddings.weight"},
          {Part::type_table, "embeddings.token_type_embeddings.weight"},
          {Part::embedding_norm, "embeddings.LayerNorm."},
          {Part::query, "encoder.layer.{}.attention.self.query."},
          {Part::key, "encoder.layer.{}.attention.self.key."},
          {Part::value, "encoder.layer.{}.attention.self.value."},
          {Part::attention_output, "encoder.layer.{}.attention.output.dense."},
          {Part::attention_norm, "encoder.layer.{}.attention.output.LayerNorm."},
          {Part::mlp_up, "encoder.layer.{}.intermediate.dense."},
          {Part::mlp_down, "encoder.layer.{}.output.dense."},
          {Part::mlp_norm, "encoder.layer.{}.output.LayerNorm."}};
}

std::vector<TensorName> with(std::vector<TensorName> names, const std::vector<TensorName>& more) {
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

}  // namespace

Family bert_family() {
  Family f;
  f.name = "BERT";
  f.model_types = {"bert"};
  f.common = post_norm_text(1e-12, 0, Activation::tanh);
  f.keys = hugging_face_keys();
  f.fixed = bert_fixed;
  f.ignored = {"directionality",       "pooler_fc_size",       "pooler_num_attention_heads",
               "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type"};
  f.prefixes = {"bert.", ""};
  f.tensors =
      with(bert_names(), {{Part::pre_head, "pooler.dense."}, {Part::head, "classifier.", NameScope::whole}});
  f.skipped = {"*position_ids", "cls.predictions.*", "cls.seq_relationship.*"};
  return f;
}

Family roberta_family() {
  Family f;
  f.name = "RoBERTa";
  f.model_types = {"roberta", "xlm-roberta", "camembert"};
  f.common = post_norm_text(1e-5, 2, Activation::tanh);
  f.keys = hugging_face_keys();
  f.fixed = bert_fixed;
  f.prefixes = {"roberta.", ""};
  f.tensors = with(bert_names(), {{Part::pre_head, "classifier.dense.", NameScope::whole},
                                  {Part::head, "classifier.out_proj.", NameScope::whole}});
  f.skipped = {"*position_ids", "lm_head.*", "*pooler.dense.*"};
  return f;
}

Family distilbert_family() {
  Family f;
  f.name = "DistilBERT";
  f.model_types = {"distilbert"};
  f.common = post_norm_text(1e-12, 0, Activation::relu);
  f.keys = {{"dim", &S::width},
            {"n_layers", &S::layers},
            {"n_heads", &S::heads},
            {"hidden_dim", &S::mlp_width},
            {"activation", &S::activation},
            {"vocab_size", &S::vocabulary},
            {"max_position_embeddings", &S::positions}};
  f.fixed = bert_fixed;
  f.ignored = {"sinusoidal_pos_embds", "tie_weights_"};
  f.prefixes = {"distilbert.", ""};
  f.tensors = {{Part::token_table, "embeddings.word_embeddings.weight"},
               {Part::position_table, "embeddings.position_embeddings.weight"},
               {Part::embedding_norm, "embeddings.LayerNorm."},
               {Part::query, "transformer.layer.{}.attention.q_lin."},
               {Part::key, "transformer.layer.{}.attention.k_lin."},
               {Part::value, "transformer.layer.{}.attention.v_lin."},
               {Part::attention_output, "transformer.layer.{}.attention.out_lin."},
               {Part::attention_norm, "transformer.layer.{}.sa_layer_norm."},
               {Part::mlp_up, "transformer.layer.{}.ffn.lin1."},
               {Part::mlp_down, "transformer.layer.{}.ffn.lin2."},
               {Part::mlp_norm, "transformer.layer.{}.output_layer_norm."},
               {Part::pre_head, "pre_classifier.", NameScope::whole},
               {Part::head, "classifier.", NameScope::whole}};
  f.skipped = {"*position_ids", "vocab_transform.*", "vocab_layer_norm.*", "vocab_projector.*"};
  return f;
}

Family gpt2_family() {
  Family f;
  f.name = "GPT-2";
  f.model_types = {"gpt2"};
  f.common = gpt2_model();
  f.stored_transposed = true;  // its linear layers are convolutions of width 1, (inputs, outputs)
  f.keys = {{"n_embd", &S::width},
            {"n_layer", &S::layers},
            {"n_head", &S::heads},
            {"n_inner", &S::mlp_width},
            {"activation_function", &S::activation},
            {"layer_norm_epsilon", &S::epsilon},
            {"vocab_size", &S::vocabulary},
            {"n_positions", &S::positions}};
  f.fixed = {{"scale_attn_weights", {"true"}},
             {"scale_attn_by_inverse_layer_idx", {"false"}},
             {"add_cross_attention", {"false"}},
             {"pruned_heads", {"{}"}}};
  f.ignored = {"n_ctx", "reorder_and_upcast_attn", "summary_*"};
  f.without_bias = {Part::head};
  f.tied_head = true;
  f.prefixes = {"transformer.", ""};
  f.tensors = {{Part::token_table, "wte.weight"},
               {Part::position_table, "wpe.weight"},
               {Part::attention_norm, "h.{}.ln_1."},
               {Part::query_key_value, "h.{}.attn.c_attn."},
               {Part::attention_output, "h.{}.attn.c_proj."},
               {Part::mlp_norm, "h.{}.ln_2."},
               {Part::mlp_up, "h.{}.mlp.c_fc."},
               {Part::mlp_down, "h.{}.mlp.c_proj."},
               {Part::final_norm, "ln_f."},
               {Part::head, "score.", NameScope::whole},
               {Part::head, "lm_head.", NameScope::whole}};
  f.skipped = {"*.attn.bias", "*.attn.masked_bias"};
  return f;
}

Family llama_family() {
  Family f;
  f.name = "LLaMA";
  f.model_types = {"llama", "mistral", "qwen2"};
  f.common = llama_model();
  f.keys = {{"hidden_size", &S::width},         {"num_hidden_layers", &S::layers},
            {"num_attention_heads", &S::heads}, {"num_key_value_heads", &S::kv_heads},
            {"head_dim", &S::head_width},       {"intermediate_size", &S::mlp_width},
            {"hidden_act", &S::activation},     {"rms_norm_eps", &S::epsilon},
            {"vocab_size", &S::vocabulary},     {"max_position_embeddings", &S::positions}};
  f.fixed = {{"sliding_window", {"null"}},
             {"use_sliding_window", {"false"}},
             {"partial_rotary_factor", {"1.0", "1"}}};
  // rope_* fill the spec's rotary positions; layer_types must all be full; biases are where the file holds them.
  f.ignored = {"rope_theta",     "rope_interleaved", "rope_parameters", "rope_scaling",     "layer_types",
               "attention_bias", "mlp_bias",         "pretraining_tp",  "max_window_layers"};
  f.without_bias = {Part::query,    Part::key,    Part::value,    Part::attention_output,
                    Part::mlp_gate, Part::mlp_up, Part::mlp_down, Part::head};
  f.prefixes = {"model.", ""};
  f.tensors = {{Part::token_table, "embed_tokens.weight"},
               {Part::attention_norm, "layers.{}.input_layernorm."},
               {Part::query, "layers.{}.self_attn.q_proj."},
               {Part::key, "layers.{}.self_attn.k_proj."},
               {Part::value, "layers.{}.self_attn.v_proj."},
               {Part::attention_output, "layers.{}.self_attn.o_proj."},
               {Part::mlp_norm, "layers.{}.post_attention_layernorm."},
               {Part::mlp_gate, "layers.{}.mlp.gate_proj."},
               {Part::mlp_up, "layers.{}.mlp.up_proj."},
               {Part::mlp_down, "layers.{}.mlp.down_proj."},
               {Part::final_norm, "norm."},
               {Part::head, "score.", NameScope::whole},
               {Part::head, "lm_head.", NameScope::whole}};
  f.skipped = {"*rotary_emb.inv_freq"};
  return f;
}

/// torch.nn.TransformerEncoder with tables before and a linear layer after it; other names by "tensor_names".
Family torch_encoder_family() {
  Family f;
  f.name = "torch encoder";
  f.model_types = {"torch_encoder"};
  f.common = torch_model();
  f.keys = {{"d_model", &S::width},         {"num_layers", &S::layers},
            {"nhead", &S::heads},           {"dim_feedforward", &S::mlp_width},
            {"activation", &S::activation}, {"layer_norm_eps", &S::epsilon},
            {"vocab_size", &S::vocabulary}, {"max_positions", &S::positions},
            {"num_classes", &S::classes},   {"pre_head_activation", &S::pre_head},
            {"image_size", &I::size},       {"patch_size", &I::patch},
            {"num_channels", &I::channels}};
  f.ignored = {"batch_first", "norm_first", "causal", "pooling", "tensor_names", "bias"};
  f.without_bias = {Part::query_key_value, Part::attention_output, Part::mlp_up, Part::mlp_down, Part::head};
  f.prefixes = {"encoder.", "transformer_encoder.", "transformer.", ""};
  f.tensors = {{Part::token_table, "embedding.weight", NameScope::whole},
               {Part::token_table, "embed.weight", NameScope::whole},
               {Part::token_table, "token_embedding.weight", NameScope::whole},
               {Part::position_table, "position_embedding.weight", NameScope::whole},
               {Part::position_table, "position_embedding", NameScope::whole},
               {Part::position_table, "pos_embedding", NameScope::whole},
               {Part::position_table, "pos_embed", NameScope::whole},
               {Part::class_token, "cls_token", NameScope::whole},
               {Part::patch_embedding, "patch_embedding.", NameScope::whole},
               {Part::query_key_value, "layers.{}.self_attn.in_proj_"},
               {Part::attention_output, "layers.{}.self_attn.out_proj."},
               {Part::attention_norm, "layers.{}.norm1."},
               {Part::mlp_up, "layers.{}.linear1."},
               {Part::mlp_down, "layers.{}.linear2."},
               {Part::mlp_norm, "layers.{}.norm2."},
               {Part::final_norm, "norm."},
               {Part::pre_head, "head.0.", NameScope::whole},
               {Part::head, "head.2.", NameScope::whole},
               {Part::head, "head.", NameScope::whole},
               {Part::head, "classifier.", NameScope::whole},
               {Part::head, "fc.", NameScope::whole}};
  return f;
}

}  // namespace flare::arch
