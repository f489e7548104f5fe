"""The small decoder, its tokenizer and its LoRA adapter."""
