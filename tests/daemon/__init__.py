"""The daemon over real sockets. `peer.py` speaks the wire by hand; `bystander.py` watches harm.

Modules that send something hostile use the `bystander` fixture: a second client that keeps
requests in flight all the while and must get the answers it always gets, bit for bit.
"""
