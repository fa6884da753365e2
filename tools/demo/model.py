# SPDX-License-Identifier: Apache-2.0
"""Tiny models with random weights: real engines run them, nothing they say means anything, nothing is downloaded."""

import pathlib

# Wide enough to be slow on one core, so that a handful of callers queues.
HIDDEN, FEED_FORWARD, LAYERS, HEADS, CONTEXT = 512, 1408, 8, 8, 2048


def write_gguf(path):
    """A Llama with a byte vocabulary; the same bytes on every run."""
    import gguf
    import numpy

    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = numpy.random.default_rng(7)
    writer = gguf.GGUFWriter(str(path) + ".part", "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)

    tokens = [b"<unk>", b"<s>", b"</s>"] + [f"<0x{i:02X}>".encode() for i in range(256)]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [
        gguf.TokenType.BYTE
    ] * 256
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_vocab_size(len(tokens))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
    )

    def tensor(name, *shape):
        writer.add_tensor(
            name, (rng.standard_normal(shape, dtype=numpy.float32) * 0.02).astype(numpy.float16)
        )

    def norm(name):
        writer.add_tensor(name, numpy.ones(HIDDEN, dtype=numpy.float32))

    tensor("token_embd.weight", len(tokens), HIDDEN)
    tensor("output.weight", len(tokens), HIDDEN)
    norm("output_norm.weight")
    for i in range(LAYERS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(f"blk.{i}.{part}.weight", HIDDEN, HIDDEN)
        tensor(f"blk.{i}.ffn_gate.weight", FEED_FORWARD, HIDDEN)
        tensor(f"blk.{i}.ffn_up.weight", FEED_FORWARD, HIDDEN)
        tensor(f"blk.{i}.ffn_down.weight", HIDDEN, FEED_FORWARD)
        norm(f"blk.{i}.attn_norm.weight")
        norm(f"blk.{i}.ffn_norm.weight")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    pathlib.Path(str(path) + ".part").rename(path)
    return path


# Run inside the vLLM environment, which has transformers and tokenizers.
HF_SCRIPT = r"""
import sys
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

torch.manual_seed(7)
alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
special = ["<unk>", "<s>", "</s>"]
vocab = {t: i for i, t in enumerate(special + alphabet)}
tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
fast.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
fast.save_pretrained(sys.argv[1])
config = LlamaConfig(vocab_size=512, hidden_size=256, intermediate_size=688, num_hidden_layers=2, num_attention_heads=4,
                     num_key_value_heads=4, max_position_embeddings=2048, bos_token_id=1, eos_token_id=2)
LlamaForCausalLM(config).save_pretrained(sys.argv[1])
"""
