"""The bottleneck adapter: what it adds, that PEFT treats it as its own, and that it exports."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
import torch.nn.functional as F
from peft import PeftConfig, PeftModel, PeftType, get_peft_model
from torch import Tensor, nn
from transformers import GPT2Model

from bridge.forecaster.model import Forecaster, ForecasterConfig
from bridge.tuning.exporting.export import export_onnx
from bridge.tuning.methods import bottleneck
from bridge.tuning.methods.bottleneck import ACTIVATIONS, BottleneckConfig, BottleneckLayer
from bridge.tuning.training.samples import Samples

WIDTH, TOKENS = 16, 4
STRONG = {"init_std": 0.5}  # an adapter whose change is seen at once


@pytest.fixture
def tokens() -> Tensor:
    return torch.randn(3, TOKENS, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


def base() -> GPT2Model:
    """The same two blocks on every call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = ForecasterConfig(context=32, horizon=4, layers=2, heads=2, width=WIDTH)
        return Forecaster(config).gpt2.eval()


def tuned(**options: Any) -> Any:
    return get_peft_model(base(), BottleneckConfig(**options)).eval()


def answer(model: nn.Module, tokens: Tensor) -> Tensor:
    with torch.no_grad():
        states: Tensor = model(inputs_embeds=tokens).last_hidden_state
    return states


def adapted(model: nn.Module) -> list[str]:
    return [name for name, module in model.named_modules() if isinstance(module, BottleneckLayer)]


class TestWhatItAdds:
    def test_it_starts_nearly_at_the_base(self, tokens: Tensor) -> None:
        before, after = answer(base(), tokens), answer(tuned(reduction=2), tokens)

        assert 0 < (after - before).abs().max() < 1e-3

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_it_is_down_the_activation_up_and_the_sum(self, activation: str) -> None:
        layer = BottleneckLayer(
            nn.Linear(6, 8), "a", BottleneckConfig(reduction=4, activation=activation, **STRONG)
        )
        layer.set_adapter("a")
        x = torch.randn(5, 6)
        down, up = layer.bottleneck_down["a"], layer.bottleneck_up["a"]
        functions = {
            "gelu": lambda values: F.gelu(values, approximate="tanh"),
            "relu": F.relu,
            "tanh": torch.tanh,
            "identity": lambda values: values,
        }

        output = layer.base_layer(x)
        expected = output + up(functions[activation](down(output)))

        assert torch.equal(layer(x), expected)
        assert down.weight.shape == (2, 8)

    def test_its_first_weights_are_houlsbys(self) -> None:
        layer = BottleneckLayer(nn.Linear(200, 200), "a", BottleneckConfig(reduction=1))

        for projection in (layer.bottleneck_down["a"], layer.bottleneck_up["a"]):
            assert projection.weight.std() == pytest.approx(0.0088, rel=0.05)  # 0.01, cut at two
            assert projection.weight.abs().max() <= 0.02
            assert not projection.bias.any()

    @pytest.mark.parametrize(("reduction", "inner"), [(1, 16), (2, 8), (3, 5), (8, 2), (16, 1)])
    def test_the_bottleneck_is_so_many_times_narrower(self, reduction: int, inner: int) -> None:
        layer = tuned(reduction=reduction).get_submodule("base_model.model.h.0.mlp.c_proj")

        assert layer.bottleneck_down["default"].out_features == inner

    @pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
    def test_over_a_base_in_half_precision_it_computes_in_its_own(
        self, tokens: Tensor, precision: torch.dtype
    ) -> None:
        model = get_peft_model(base().to(precision), BottleneckConfig(**STRONG)).eval()

        answered = answer(model, tokens.to(precision))

        assert {each.dtype for each in model.parameters() if each.requires_grad} == {torch.float32}
        assert answered.dtype == precision
        assert not torch.equal(answered, answer(base().to(precision), tokens.to(precision)))

    def test_dropout_is_for_training_alone(self, tokens: Tensor) -> None:
        model = tuned(dropout=0.5, reduction=1, **STRONG)

        assert torch.equal(answer(model, tokens), answer(model, tokens))
        assert not torch.equal(answer(model.train(), tokens), answer(model, tokens))

    def test_houlsbys_follow_attention_and_mlp(self) -> None:
        assert adapted(base()) == []
        assert adapted(tuned(placement="houlsby").get_base_model()) == [
            *("h.0.attn.c_proj", "h.0.mlp.c_proj", "h.1.attn.c_proj", "h.1.mlp.c_proj")
        ]

    def test_pfeiffers_follow_the_mlp_alone(self) -> None:
        names = adapted(tuned(placement="pfeiffer").get_base_model())

        assert names == ["h.0.mlp.c_proj", "h.1.mlp.c_proj"]


class TestTraining:
    def test_the_adapter_alone_is_trained(self) -> None:
        model = tuned(reduction=4)
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)

        assert all("bottleneck_" in n for n, p in model.named_parameters() if p.requires_grad)
        assert trained == 4 * (WIDTH * 4 + 4 + 4 * WIDTH + WIDTH)
        assert model.get_nb_trainable_parameters()[0] == trained

    def test_it_learns_and_the_base_stays(self, tokens: Tensor) -> None:
        model = tuned(reduction=2).train()
        target = torch.randn(3, TOKENS, WIDTH)
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.02)
        losses = []
        for _ in range(30):
            loss = F.mse_loss(model(inputs_embeds=tokens).last_hidden_state, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

        assert losses[-1] < 0.7 * losses[0]
        for name, weight in base().state_dict().items():
            assert torch.equal(model.unload().state_dict()[name], weight)

    def test_the_trained_share_is_printed(self, capsys: pytest.CaptureFixture[str]) -> None:
        tuned(reduction=8).print_trainable_parameters()

        assert "trainable params: 328" in capsys.readouterr().out

    def test_modules_to_save_are_trained_and_saved_too(
        self, tokens: Tensor, tmp_path: Path
    ) -> None:
        model = tuned(modules_to_save=["ln_f"])
        last = model.get_submodule("base_model.model.ln_f.modules_to_save.default")
        assert last.weight.requires_grad
        with torch.no_grad():
            last.weight.mul_(2.0)

        model.save_pretrained(tmp_path)
        again = PeftModel.from_pretrained(base(), str(tmp_path)).eval()

        assert torch.equal(answer(again, tokens), answer(model, tokens))


class TestAsAnyPeftMethod:
    def test_peft_knows_the_type(self) -> None:
        assert PeftType("BOTTLENECK") is PeftType["BOTTLENECK"] is PeftType.BOTTLENECK
        assert PeftType.BOTTLENECK in list(PeftType)
        assert PeftType.BOTTLENECK == "BOTTLENECK"
        assert PeftType.BOTTLENECK.name == PeftType.BOTTLENECK.value == "BOTTLENECK"

    def test_copies_of_a_configuration_keep_the_type(self) -> None:
        assert copy.deepcopy(BottleneckConfig()).peft_type is PeftType.BOTTLENECK

    def test_registering_again_changes_nothing(self) -> None:
        members = list(PeftType)
        bottleneck.register(BottleneckConfig, bottleneck.BottleneckModel)

        assert list(PeftType) == members
        assert adapted(tuned())

    @pytest.mark.parametrize("low_cpu_mem_usage", [False, True])
    def test_a_saved_adapter_answers_with_the_same_bits(
        self, tokens: Tensor, tmp_path: Path, low_cpu_mem_usage: bool
    ) -> None:
        model = tuned(reduction=4, activation="tanh", placement="pfeiffer", **STRONG)
        model.save_pretrained(tmp_path)

        again = PeftModel.from_pretrained(
            base(), str(tmp_path), low_cpu_mem_usage=low_cpu_mem_usage
        )

        assert torch.equal(answer(again.eval(), tokens), answer(model, tokens))
        assert not any(p.requires_grad for p in again.parameters())

    def test_its_file_holds_the_adapter_alone(self, tmp_path: Path) -> None:
        tuned(reduction=8).save_pretrained(tmp_path)

        assert (tmp_path / "adapter_model.safetensors").stat().st_size < 4 * 328 + 3000
        saved = PeftConfig.from_pretrained(str(tmp_path))
        assert isinstance(saved, BottleneckConfig)
        assert (saved.reduction, saved.placement) == (8, "houlsby")

    def test_a_saved_adapter_can_be_trained_on(self, tmp_path: Path) -> None:
        tuned().save_pretrained(tmp_path)

        again = PeftModel.from_pretrained(base(), str(tmp_path), is_trainable=True)

        assert any(p.requires_grad for p in again.parameters())

    def test_adapters_of_different_kinds_switch_on_one_base(self, tokens: Tensor) -> None:
        model = tuned(reduction=4, **STRONG)
        first = answer(model, tokens)

        model.add_adapter("other", BottleneckConfig(placement="pfeiffer", reduction=1, **STRONG))
        assert torch.equal(answer(model, tokens), first)  # not before it is set

        model.set_adapter("other")
        assert not torch.equal(answer(model, tokens), first)
        assert all("other" in n for n, p in model.named_parameters() if p.requires_grad)

        model.set_adapter("default")
        assert torch.equal(answer(model, tokens), first)

    def test_an_adapter_loads_under_another_name(self, tokens: Tensor, tmp_path: Path) -> None:
        saved = tuned(reduction=2, **STRONG)
        saved.save_pretrained(tmp_path)
        model = tuned(reduction=8)

        model.load_adapter(str(tmp_path), "loaded")
        model.set_adapter("loaded")

        assert torch.equal(answer(model.eval(), tokens), answer(saved, tokens))

    @pytest.mark.filterwarnings("ignore:Adapter other was active")
    def test_a_deleted_adapter_is_gone_and_another_takes_its_place(self, tokens: Tensor) -> None:
        model = tuned(reduction=4, **STRONG)
        first = answer(model, tokens)
        model.add_adapter("other", BottleneckConfig(**STRONG))
        model.set_adapter("other")

        model.delete_adapter("other")

        assert torch.equal(answer(model, tokens), first)
        assert not any("other" in name for name in model.state_dict())

    def test_without_its_last_adapter_the_base_answers(self, tokens: Tensor) -> None:
        model = tuned(**STRONG)
        model.delete_adapter("default")

        assert torch.equal(answer(model.base_model.model, tokens), answer(base(), tokens))

    def test_disabled_it_is_the_base_and_enabled_itself_again(self, tokens: Tensor) -> None:
        model = tuned(**STRONG)
        own = answer(model, tokens)

        with model.disable_adapter():
            assert torch.equal(answer(model, tokens), answer(base(), tokens))
        assert torch.equal(answer(model, tokens), own)

    def test_unloading_gives_the_base_back(self, tokens: Tensor) -> None:
        model = tuned(**STRONG).unload()

        assert type(model) is GPT2Model
        assert adapted(model) == []
        assert torch.equal(answer(model, tokens), answer(base(), tokens))

    @pytest.mark.parametrize("way", ["merge_and_unload", "merge_adapter"])
    def test_merging_is_refused_and_says_why(self, way: str) -> None:
        model = tuned()

        with pytest.raises(ValueError, match="non-linearity between its projections"):
            getattr(model, way)()
        with pytest.raises(ValueError, match="tune by lora"):
            model.get_submodule("base_model.model.h.0.mlp.c_proj").merge()


class TestWrongOptions:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"reduction": 0}, "reduction 0 is no whole number from 1"),
            ({"reduction": 2.5}, "reduction 2.5 is no whole number from 1"),
            ({"reduction": 8.0}, "reduction 8.0 is no whole number from 1"),
            ({"reduction": "8"}, "reduction '8' is no whole number from 1"),
            ({"placement": "everywhere"}, "choose houlsby .* or pfeiffer"),
            ({"activation": "sigmoid"}, "choose one of gelu, relu, tanh, identity"),
            ({"dropout": 1.0}, "dropout 1.0 is outside 0 to 1"),
            ({"init_std": 0.0}, "neither would ever get a gradient"),
        ],
    )
    def test_each_has_its_message(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            BottleneckConfig(**options)

    def test_a_reduction_beyond_the_width_leaves_no_bottleneck(self) -> None:
        with pytest.raises(ValueError, match="a layer 16 wide: choose at most 16"):
            tuned(reduction=17)

    def test_a_layer_of_another_kind_is_refused(self) -> None:
        with pytest.raises(ValueError, match="follows a Conv1D or a Linear layer, not LayerNorm"):
            tuned(target_modules=["ln_f"])

    def test_placements_are_known_for_gpt2_alone(self) -> None:
        with pytest.raises(ValueError, match="name the layers in target_modules"):
            get_peft_model(nn.Sequential(nn.Linear(4, 4)), BottleneckConfig())

    def test_any_linear_layer_can_be_named(self) -> None:
        model = get_peft_model(
            nn.Sequential(nn.Linear(4, 6)), BottleneckConfig(reduction=2, target_modules=["0"])
        )

        assert model(torch.zeros(2, 4)).shape == (2, 6)


class TestExport:
    def test_the_graph_answers_alike_in_any_batch(
        self, config: ForecasterConfig, validation: Samples, tmp_path: Path
    ) -> None:
        network = Forecaster(config)
        options = BottleneckConfig(reduction=4, dropout=0.1, **STRONG)
        network.gpt2 = get_peft_model(network.gpt2, options)

        export_onnx(network.eval(), validation, tmp_path / "model.onnx")  # verifies both

        graph = onnx.load(tmp_path / "model.onnx")
        assert (graph.ir_version, [entry.version for entry in graph.opset_import]) == (8, [18])
        assert {node.domain for node in graph.graph.node} == {""}
        assert not {"If", "Loop"} & {node.op_type for node in graph.graph.node}
