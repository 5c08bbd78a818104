"""The base in four bits: what it stands for, that LoRA trains over it, and that it exports."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import bitsandbytes
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor
from transformers import GPT2Model
from transformers.pytorch_utils import Conv1D

from bridge.forecaster.model import Forecaster, ForecasterConfig
from bridge.tuning.exporting.export import export_onnx
from bridge.tuning.methods.nf4 import (
    BLOCK,
    Nf4Error,
    dequantise_blocks,
    quantise_blocks,
    require_nf4,
    round_trip,
)
from bridge.tuning.training.samples import Samples

WIDTH, TOKENS = 16, 4
MATRIX = "h.0.attn.c_attn.weight"


@pytest.fixture
def tokens() -> Tensor:
    return torch.randn(3, TOKENS, WIDTH, generator=torch.Generator().manual_seed(1))


def base() -> GPT2Model:
    """The same two blocks on every call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = ForecasterConfig(context=32, horizon=4, layers=2, heads=2, width=WIDTH)
        return Forecaster(config).gpt2.eval()


def rounded(*, double: bool = False) -> GPT2Model:
    """A plain GPT-2 with the weights that a quantised one stands for."""
    plain = base()
    plain.load_state_dict(round_trip(plain.state_dict(), double=double))
    return plain


def quantised(*, double: bool = False) -> GPT2Model:
    gpt2 = base()
    quantise_blocks(gpt2, double=double)
    return gpt2


def with_lora(gpt2: GPT2Model, *, conv1d: bool) -> Any:
    options = LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=conv1d)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        tuned = get_peft_model(gpt2, options)
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.5)
    return tuned


def answer(model: Any, tokens: Tensor) -> Tensor:
    with torch.no_grad():
        states: Tensor = model(inputs_embeds=tokens).last_hidden_state
    return states


class TestWhatItStandsFor:
    @pytest.mark.parametrize("double", [False, True])
    def test_four_bits_answer_as_the_rounded_weights(self, tokens: Tensor, double: bool) -> None:
        exact, four_bits = answer(base(), tokens), answer(quantised(double=double), tokens)

        assert torch.allclose(four_bits, answer(rounded(double=double), tokens), atol=1e-6)
        assert 1e-4 < (four_bits - exact).abs().max() < 0.1

    def test_64_weights_share_16_values(self) -> None:
        weight = round_trip(base().state_dict())[MATRIX]

        for block in weight.T.reshape(-1, BLOCK):
            assert len(block.unique()) <= 16

    @given(st.integers(1, 50), st.integers(1, 70), st.integers(0, 99))
    def test_no_weight_moves_by_more_than_half_the_widest_gap(
        self, half_inputs: int, outputs: int, seed: int
    ) -> None:
        draw = torch.Generator().manual_seed(seed)
        weight = torch.randn(2 * half_inputs, outputs + 1, generator=draw)

        moved = (round_trip({MATRIX: weight})[MATRIX] - weight).abs()

        assert moved.shape == weight.shape
        assert moved.max() <= 0.1521 * weight.abs().max() + 1e-6

    @pytest.mark.parametrize("width", [8, 16, 48, 64, 96, 128])
    def test_any_width_answers_as_the_rounded_weights(self, width: int) -> None:
        config = ForecasterConfig(context=32, horizon=4, layers=1, heads=2, width=width)
        gpt2, plain = Forecaster(config).gpt2.eval(), Forecaster(config).gpt2.eval()
        plain.load_state_dict(round_trip(gpt2.state_dict()))
        quantise_blocks(gpt2)
        tokens = torch.randn(3, TOKENS, width)

        assert torch.allclose(answer(gpt2, tokens), answer(plain, tokens), atol=1e-5)

    def test_rounded_weights_round_to_themselves(self) -> None:
        once = round_trip(base().state_dict())
        twice = round_trip(once)

        assert torch.allclose(once[MATRIX], twice[MATRIX], rtol=1e-6, atol=0)

    def test_four_matrices_of_each_block_are_rounded_and_nothing_else(self) -> None:
        weights = {f"gpt2.{name}": tensor for name, tensor in base().state_dict().items()}
        result = round_trip(weights)

        changed = {name for name in weights if result[name] is not weights[name]}

        assert result.keys() == weights.keys()
        assert changed == {
            f"gpt2.h.{index}.{matrix}.weight"
            for index in (0, 1)
            for matrix in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
        }

    def test_it_takes_an_eighth_of_the_memory(self) -> None:
        weight = quantised().h[0].attn.c_attn.weight

        assert weight.nbytes == base().h[0].attn.c_attn.weight.nbytes // 8

    @pytest.mark.parametrize("double", [False, True])
    def test_undone_it_is_a_plain_gpt2_with_the_rounded_weights(self, double: bool) -> None:
        gpt2 = quantised(double=double)
        dequantise_blocks(gpt2)

        expected = rounded(double=double).state_dict()
        assert isinstance(gpt2.h[0].mlp.c_proj, Conv1D)
        assert gpt2.state_dict().keys() == expected.keys()
        for name, weight in gpt2.state_dict().items():
            assert torch.equal(weight, expected[name])


class TestTraining:
    def test_lora_learns_over_it_and_it_stays(self, tokens: Tensor) -> None:
        gpt2 = quantised()
        before = gpt2.h[0].attn.c_attn.weight.clone()
        model = with_lora(gpt2, conv1d=False).train()
        trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        target = torch.randn(tokens.shape, generator=torch.Generator().manual_seed(5))
        optimizer = torch.optim.AdamW(trained.values(), lr=0.05)
        losses = []
        for _ in range(30):
            loss = F.mse_loss(model(inputs_embeds=tokens).last_hidden_state, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

        assert losses[-1] < 0.95 * losses[0]
        assert all("lora_" in name for name in trained)
        assert torch.equal(gpt2.h[0].attn.c_attn.base_layer.weight, before)

    def test_training_goes_on_after_an_evaluation_with_the_same_bits(self, tokens: Tensor) -> None:
        model = with_lora(quantised(), conv1d=False)

        evaluated = answer(model.eval(), tokens)
        states = model.train()(inputs_embeds=tokens).last_hidden_state
        states.square().sum().backward()

        assert torch.equal(states, evaluated)
        assert all(p.grad is not None for p in model.parameters() if p.requires_grad)

    def test_its_adapter_works_over_the_rounded_weights(
        self, tokens: Tensor, tmp_path: Path
    ) -> None:
        model = with_lora(quantised(), conv1d=False).eval()
        model.save_pretrained(tmp_path)

        with pytest.warns(UserWarning, match="fan_in_fan_out"):
            again = PeftModel.from_pretrained(rounded(), str(tmp_path)).eval()

        assert torch.allclose(answer(again, tokens), answer(model, tokens), atol=1e-6)


class TestExport:
    def test_rounded_and_merged_it_answers_alike_in_any_batch(
        self, config: ForecasterConfig, validation: Samples, tmp_path: Path
    ) -> None:
        network = Forecaster(config)
        network.gpt2.load_state_dict(round_trip(network.gpt2.state_dict()))
        network.gpt2 = with_lora(network.gpt2, conv1d=True).merge_and_unload()

        export_onnx(network.eval(), validation, tmp_path / "model.onnx")  # verifies both


class TestRefusals:
    def test_missing_bitsandbytes_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "bitsandbytes", None)

        with pytest.raises(Nf4Error, match=r'pip install "eabridge\[compare\]", or tune by lora'):
            quantise_blocks(base())

    def test_a_processor_without_kernels_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise RuntimeError("no kernel for this device")

        monkeypatch.setattr(bitsandbytes.functional, "quantize_4bit", refuse)

        with pytest.raises(Nf4Error, match=r"on this processor \(.*no kernel for this device\)"):
            require_nf4()

    def test_kernels_that_compute_wrongly_are_found_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            bitsandbytes.functional, "dequantize_4bit", lambda packed, state: torch.zeros(4, BLOCK)
        )

        with pytest.raises(Nf4Error, match="values come back wrong by 1"):
            require_nf4()

    def test_a_base_is_quantised_once(self) -> None:
        with pytest.raises(Nf4Error, match=r"c_attn is a \w*Linear4bit, not"):
            quantise_blocks(quantised())

    def test_a_base_is_quantised_before_its_adapter(self) -> None:
        with pytest.raises(Nf4Error, match="before an adapter is laid over it"):
            quantise_blocks(with_lora(base(), conv1d=True).get_base_model())

    def test_bitsandbytes_says_nothing_of_kernels_to_download(self) -> None:
        chatter = logging.getLogger("bitsandbytes.backends.cpu.ops")

        assert not chatter.isEnabledFor(logging.WARNING)
