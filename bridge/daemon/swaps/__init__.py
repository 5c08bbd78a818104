"""Models that come and go while the daemon serves: found by `watch` or ordered over `control`.

What is new is tried and opened (`loading`), takes over between two batches (`succession`), and what
came of it is told once (`news`); `swap` sees to it all.
"""
