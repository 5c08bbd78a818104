"""Methods: the base that is tuned, the adapters that tune it, and the network both make.

`bases` finds what is tuned, `adapters` puts a PEFT adapter around GPT-2's blocks (`bottleneck`,
`prefix` and `nf4` are those that PEFT lacks, or lacks in part), `networks` is what others ask.
"""
