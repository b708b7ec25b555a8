// The tables of the families, one function each. Internal to flare_arch.
#pragma once

#include "flare_arch/models/families.hpp"

namespace flare::arch {

// Images.
Family digits_family();
Family timm_family();
Family hugging_face_vit_family();
Family vit_pytorch_family();

// Text.
Family bert_family();
Family roberta_family();
Family distilbert_family();
Family gpt2_family();
Family llama_family();
Family torch_encoder_family();

/// The keys that models of Hugging Face share.
std::vector<ConfigKey> hugging_face_keys();

}  // namespace flare::arch
