"""Benchmarks of serving: `python -m tests.bench`, and `--help` for its figures.

Each figure is a ratio of two measurements of one run: against a floor (a bare echo, ONNX Runtime in
a loop), a peer (`peers/`: the same model behind FastAPI and behind mosec, each set up as its own
documentation recommends), or the daemon itself without what the figure is about. Clients are plain
sockets in processes of their own, the same for every server: only the framing differs.

    requests    what is asked: msgpack bodies, each with a time of its own
    framing     ZMTP and HTTP/1.1 over a plain socket
    swarm       many connections in one process, closed loop or paced
    servers     the daemon, the peers, and ONNX Runtime alone
    throughput, steadiness, fairness, swapping, endurance      the figures
"""
