"""A sentence-transformers model of two BERT layers, 32 wide, with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

POSITIONS = 64
WIDTH = 32
_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,;:?!-電池古"
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
# Words of one token; every other word is spelled out.
WORDS = ("battery", "jar", "bottle", "paper", "cork", "tin", "glass", "steel", "wood", "wool", "the", "goes", "where")


def save_small_model(
    folder: Path, *, pooling: str = "mean", prompts: dict[str, str] | None = None, head: bool = False
) -> Path:
    """Write the model and return its folder; `head` puts a dense layer behind the pooling."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer
    from transformers import BertModel

    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    BertModel(_config(len(tokenizer))).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    modules: list[Any] = [Transformer(str(folder / "bert")), Pooling(WIDTH, pooling_mode=pooling)]
    if head:
        modules.append(Dense(WIDTH, 8))
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(folder / "model"))
    return folder / "model"


def save_small_classifier(folder: Path, *, labels: int) -> Path:
    """Write a classifier of pairs, as cross-encoders are published, and return its folder."""
    import torch
    from transformers import BertForSequenceClassification

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    BertForSequenceClassification(_config(len(tokenizer), labels)).save_pretrained(folder / "classifier")
    tokenizer.save_pretrained(folder / "classifier")
    return folder / "classifier"


def _config(vocabulary: int, labels: int = 2) -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=vocabulary,
        num_labels=labels,
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=POSITIONS,
        # Large weights and no dropout: some hundred steps teach it something.
        initializer_range=0.2,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = [*_SPECIAL, *_CHARACTERS, *(f"##{character}" for character in _CHARACTERS), *WORDS]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=POSITIONS,
    )
