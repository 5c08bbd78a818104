"""Prefix-tuning (Li and Liang 2021): a few trained keys and values that every layer attends to.

PEFT's `PREFIX_TUNING` holds, trains, saves and loads them. Its own forward pass is made for text:
it takes a mask of two dimensions and lets positions begin behind the prefix, whose embeddings the
base has never learned. `PrefixedGPT2` stands where a forecaster has its GPT-2, is called as GPT-2
is, and exports to ONNX.

`B` windows, `T` tokens, `N` tokens of prefix, `L` layers, `A` heads, `D` width.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from peft import PeftModel, PrefixTuningConfig, TaskType, get_peft_model
from torch import Tensor, nn
from transformers import DynamicCache, GPT2Config, GPT2Model


class PrefixedGPT2(nn.Module):
    """GPT-2 with a trained prefix before whatever it is given.

    Its output has the tokens that were given and no others; they keep their positions 0, 1, ...

    Attributes:
        tuned: the PEFT model over the GPT-2; `tuned.save_pretrained(folder)` saves the prefix.
    """

    def __init__(self, tuned: PeftModel) -> None:
        """Take a `PeftModel` with a prefix, as from `begin_prefix` or `PeftModel.from_pretrained`.

        Raises:
            ValueError: its adapter is no prefix.
        """
        super().__init__()
        config = tuned.peft_config[tuned.active_adapter]
        if config.peft_type != "PREFIX_TUNING":
            kind = getattr(config.peft_type, "value", config.peft_type)
            raise ValueError(f"an adapter of type {kind} is no prefix")
        self.tuned: Any = tuned
        if config.inference_mode:  # PEFT freezes other adapters that it loads, but not these
            self.tuned.prompt_encoder.requires_grad_(False)
        _widen_causal_buffers(self.gpt2, self.tokens)

    @property
    def gpt2(self) -> GPT2Model:
        """The base, frozen."""
        base: GPT2Model = self.tuned.get_base_model()
        return base

    @property
    def config(self) -> GPT2Config:
        """The base's."""
        return self.gpt2.config

    @property
    def tokens(self) -> int:
        """N, length of the prefix."""
        return int(self.tuned.active_peft_config.num_virtual_tokens)

    def prefix(self) -> Tensor:
        """[2L, A, N, D/A]: each layer's keys and its values in turn."""
        config = self.tuned.active_peft_config
        encoder = self.tuned.prompt_encoder[self.tuned.active_adapter]
        if config.inference_mode:  # a loaded prefix holds its values, whatever trained them
            values = encoder.embedding.weight
        else:
            values = encoder(torch.arange(self.tokens, device=encoder.embedding.weight.device))
        heads = config.num_attention_heads  # values: [N, 2LD]
        values = values.view(self.tokens, 2 * config.num_layers, heads, -1)
        prefix: Tensor = values.permute(1, 2, 0, 3)
        return prefix

    def forward(
        self,
        inputs_embeds: Tensor,
        attention_mask: Tensor | None = None,
        past_key_values: DynamicCache | None = None,
        use_cache: bool = False,
        position_ids: Tensor | None = None,
    ) -> Any:
        """As `GPT2Model.forward`, of which callers see no prefix but in the cache's length.

        Args:
            inputs_embeds: [B, T, D].
            attention_mask: None for GPT-2's own, or what is added to the scores, [.., T, K] over
                the K given tokens: those of the cache, without the prefix, and these.
            past_key_values: None, an empty cache, which is filled, or one that was so filled.
            use_cache: whether the cache is wanted back.
            position_ids: [1, T]; None counts on from the tokens that were given before.
        """
        cache = DynamicCache() if past_key_values is None else past_key_values
        held = cache.get_seq_length()
        if not held:
            self._begin(cache, inputs_embeds.shape[0])
            held = self.tokens
        if position_ids is None:
            first = held - self.tokens
            last = first + inputs_embeds.shape[1]
            position_ids = torch.arange(first, last, device=inputs_embeds.device)[None]
        if attention_mask is not None:
            attention_mask = F.pad(attention_mask, (self.tokens, 0))  # every token sees it
        return self.gpt2(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            past_key_values=cache,
            use_cache=use_cache,
            position_ids=position_ids,
        )

    def _begin(self, cache: DynamicCache, batch: int) -> None:
        _widen_causal_buffers(self.gpt2, self.tokens)  # another prefix may have been made active
        states = self.prefix()[:, None].expand(-1, batch, -1, -1, -1)  # [2L, B, A, N, D/A]
        for layer in range(states.shape[0] // 2):
            cache.update(states[2 * layer], states[2 * layer + 1], layer)


def begin_prefix(gpt2: GPT2Model, tokens: int) -> PrefixedGPT2:
    """GPT-2 with a new prefix, which is all that can be trained in it.

    It begins as small random numbers, from torch's own generator: tokens attend to it, and get
    next to nothing from it, much as GPT-2 learns to use its first token. On the shipped base
    that answers nearly as the base does (a pinball ratio of 0.9623 where the base has 0.9625),
    which real activations, the start that Li and Liang advise for text, did not (0.9735).

    Args:
        gpt2: the base; it is frozen.
        tokens: N, at least 1.

    Raises:
        ValueError: no token.
    """
    if tokens < 1:
        raise ValueError(f"prefix_tokens {tokens} leaves no prefix: choose 1 or more, such as 8")
    task = TaskType.FEATURE_EXTRACTION
    config = PrefixTuningConfig(task_type=task, num_virtual_tokens=tokens)
    prefixed = PrefixedGPT2(get_peft_model(gpt2, config))
    encoder = prefixed.tuned.prompt_encoder[prefixed.tuned.active_adapter]
    nn.init.normal_(encoder.embedding.weight, std=gpt2.config.initializer_range)
    return prefixed


def _widen_causal_buffers(gpt2: GPT2Model, tokens: int) -> None:
    """Make room for the prefix in the triangle by which GPT-2 masks before transformers 5.1.

    There it is as wide as the positions, which a prefix adds to; the mask that callers give
    decides all the same, so a wider triangle changes nothing else.
    """
    blocks: Any = gpt2.h
    for block in blocks:
        triangle = getattr(block.attn, "bias", None)
        if isinstance(triangle, Tensor) and triangle.dtype == torch.bool:
            size = gpt2.config.n_positions + tokens
            if triangle.shape[-1] < size:
                wider = torch.ones(1, 1, size, size, dtype=torch.bool, device=triangle.device)
                block.attn.register_buffer("bias", wider.tril(), persistent=False)
