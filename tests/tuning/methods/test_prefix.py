"""The prefix: GPT-2 is called as ever, with trained keys and values before what it is given."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
import torch.nn.functional as F
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor
from transformers import DynamicCache, GPT2Model

from bridge.forecaster.model import Forecaster, ForecasterConfig
from bridge.tuning.exporting.export import export_onnx
from bridge.tuning.methods.prefix import PrefixedGPT2, begin_prefix
from bridge.tuning.training.samples import Samples

WIDTH, HEADS, LAYERS, TOKENS, PREFIX = 16, 2, 2, 4, 3


@pytest.fixture
def tokens() -> Tensor:
    return torch.randn(3, TOKENS, WIDTH, generator=torch.Generator().manual_seed(1))


def base() -> GPT2Model:
    """The same two blocks on every call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = ForecasterConfig(context=32, horizon=4, layers=LAYERS, heads=HEADS, width=WIDTH)
        return Forecaster(config).gpt2.eval()


def prefixed(length: int = PREFIX) -> PrefixedGPT2:
    """With a prefix that is felt, as after training; the same on every call."""
    model = begin_prefix(base(), length).eval()
    weight = values(model)
    with torch.no_grad():
        weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(2)))
    return model


def values(model: PrefixedGPT2) -> Tensor:
    weight: Tensor = model.tuned.prompt_encoder["default"].embedding.weight
    return weight


def mask(first: int, last: int) -> Tensor:
    """The causal mask's rows from token `first` to before `last`."""
    lowest = torch.finfo(torch.float32).min
    return torch.full((1, 1, last, last), lowest).triu(1)[:, :, first:]


def answer(model: PrefixedGPT2 | GPT2Model, tokens: Tensor) -> Tensor:
    with torch.no_grad():
        states: Tensor = model(
            inputs_embeds=tokens, attention_mask=mask(0, tokens.shape[1])
        ).last_hidden_state
    return states


class TestWhatItAdds:
    def test_every_token_feels_it(self, tokens: Tensor) -> None:
        moved = (answer(prefixed(), tokens) - answer(base(), tokens)).abs().amax(dim=(0, 2))

        assert moved.shape == (TOKENS,)
        assert (moved > 1e-2).all()

    def test_tokens_still_see_no_later_ones(self, tokens: Tensor) -> None:
        model, changed = prefixed(), tokens.clone()
        changed[:, -1] += 1.0

        before, after = answer(model, tokens), answer(model, changed)

        assert torch.equal(before[:, :-1], after[:, :-1])
        assert not torch.equal(before[:, -1], after[:, -1])

    def test_tokens_keep_the_positions_that_the_base_has_learned(self, tokens: Tensor) -> None:
        model, seen = prefixed(), []
        model.gpt2.wpe.register_forward_pre_hook(lambda _, given: seen.append(given[0]))

        answer(model, tokens)

        assert seen[0].tolist() == [[0, 1, 2, 3]]

    def test_without_a_mask_it_is_causal_likewise(self, tokens: Tensor) -> None:
        model = prefixed()
        with torch.no_grad():
            unmasked = model(inputs_embeds=tokens).last_hidden_state

        assert torch.allclose(unmasked, answer(model, tokens), atol=1e-6)

    def test_it_begins_with_small_numbers_drawn_by_the_seed(self) -> None:
        drawn = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            drawn.append(values(begin_prefix(base(), 50)).detach())

        assert torch.equal(drawn[0], drawn[1])
        assert not torch.equal(drawn[0], drawn[2])
        assert drawn[0].std() == pytest.approx(0.02, rel=0.1)

    def test_it_may_be_longer_than_the_window(self, tokens: Tensor) -> None:
        assert answer(prefixed(3 * TOKENS), tokens).shape == tokens.shape

    def test_a_triangle_of_older_transformers_makes_room_for_it(self) -> None:
        gpt2 = base()
        for block in gpt2.h:
            square = torch.ones(1, 1, TOKENS, TOKENS, dtype=torch.bool).tril()
            block.attn.register_buffer("bias", square, persistent=False)

        begin_prefix(gpt2, PREFIX)

        assert gpt2.h[0].attn.bias.shape[-1] == TOKENS + PREFIX


class TestTraining:
    def test_the_prefix_alone_is_trained(self) -> None:
        model = begin_prefix(base(), PREFIX)
        trained = [p for p in model.parameters() if p.requires_grad]

        assert [tuple(p.shape) for p in trained] == [(PREFIX, 2 * LAYERS * WIDTH)]

    def test_it_learns_and_the_base_stays(self, tokens: Tensor) -> None:
        model = begin_prefix(base(), PREFIX).train()
        draw = torch.Generator().manual_seed(5)
        target = torch.randn(tokens.shape, generator=draw)
        optimizer = torch.optim.AdamW([values(model)], lr=0.3)
        losses = []
        for _ in range(40):
            loss = F.mse_loss(model(inputs_embeds=tokens).last_hidden_state, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

        assert losses[-1] < 0.95 * losses[0]
        for name, weight in base().state_dict().items():
            assert torch.equal(model.gpt2.state_dict()[name], weight)


class TestFiles:
    def test_a_saved_prefix_answers_with_the_same_bits(
        self, tokens: Tensor, tmp_path: Path
    ) -> None:
        model = prefixed()
        model.tuned.save_pretrained(tmp_path)

        again = PrefixedGPT2(PeftModel.from_pretrained(base(), str(tmp_path))).eval()

        assert torch.equal(answer(again, tokens), answer(model, tokens))
        assert not any(p.requires_grad for p in again.parameters())

    def test_several_prefixes_switch_on_one_base(self, tokens: Tensor, tmp_path: Path) -> None:
        prefixed(5).tuned.save_pretrained(tmp_path)
        model = prefixed()
        first = answer(model, tokens)

        model.tuned.load_adapter(str(tmp_path), "other")
        model.tuned.set_adapter("other")

        assert model.tokens == 5
        assert torch.equal(answer(model, tokens), answer(prefixed(5), tokens))
        model.tuned.set_adapter("default")
        assert torch.equal(answer(model, tokens), first)

    def test_another_kind_of_adapter_is_refused(self) -> None:
        other = get_peft_model(base(), LoraConfig(target_modules=["c_attn"], fan_in_fan_out=True))

        with pytest.raises(ValueError, match="an adapter of type LORA is no prefix"):
            PrefixedGPT2(other)

    def test_no_token_is_no_prefix(self) -> None:
        with pytest.raises(ValueError, match="choose 1 or more, such as 8"):
            begin_prefix(base(), 0)


class TestGenerating:
    def test_token_by_token_is_as_all_at_once(self, tokens: Tensor) -> None:
        model, cache = prefixed(), DynamicCache()
        parts = []
        with torch.no_grad():
            for first, last in ((0, 2), (2, 3), (3, 4)):
                output = model(
                    inputs_embeds=tokens[:, first:last],
                    attention_mask=mask(first, last),
                    past_key_values=cache,
                    use_cache=True,
                    position_ids=torch.arange(first, last)[None],
                )
                cache = output.past_key_values
                parts.append(output.last_hidden_state)

        assert torch.allclose(torch.cat(parts, dim=1), answer(model, tokens), atol=1e-6)
        assert cache.get_seq_length() == PREFIX + TOKENS

    def test_positions_count_on_where_none_are_given(self, tokens: Tensor) -> None:
        model = prefixed()
        with torch.no_grad():
            begun = model(inputs_embeds=tokens[:, :3], use_cache=True)
            last = model(
                inputs_embeds=tokens[:, 3:], past_key_values=begun.past_key_values, use_cache=True
            ).last_hidden_state

        assert torch.allclose(last, answer(model, tokens)[:, 3:], atol=1e-6)

    def test_a_cache_can_be_repeated_for_several_paths(self, tokens: Tensor) -> None:
        model, cache = prefixed(), DynamicCache()
        with torch.no_grad():
            model(inputs_embeds=tokens[:, :3], past_key_values=cache, use_cache=True)
            cache.batch_repeat_interleave(2)
            paths = model(
                inputs_embeds=tokens[:, 3:].repeat_interleave(2, dim=0), past_key_values=cache
            ).last_hidden_state

        expected = answer(model, tokens)[:, 3:].repeat_interleave(2, dim=0)
        assert torch.allclose(paths, expected, atol=1e-6)


class TestExport:
    def test_the_graph_answers_alike_in_any_batch(
        self, config: ForecasterConfig, validation: Samples, tmp_path: Path
    ) -> None:
        network = Forecaster(config)
        network.gpt2 = begin_prefix(network.gpt2, 5)
        weight = values(network.gpt2)
        with torch.no_grad():
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(2)))

        export_onnx(network.eval(), validation, tmp_path / "model.onnx")  # verifies both

        graph = onnx.load(tmp_path / "model.onnx")
        assert (graph.ir_version, [entry.version for entry in graph.opset_import]) == (8, [18])
        assert {node.domain for node in graph.graph.node} == {""}
        assert not {"If", "Loop"} & {node.op_type for node in graph.graph.node}
