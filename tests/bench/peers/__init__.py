"""The same model behind other servers, each set up as its own documentation recommends.

Both take the body that the daemon takes, one msgpack map, and answer with quantiles and `up` as the
bytes that the daemon answers with, so that what is compared is serving and not JSON.
"""
