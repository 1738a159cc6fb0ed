"""Other stores, as peers of a benchmark: installed for it, each in a process of its own.

No part of the project needs them.

install  parent  pinned versions into an environment in the user's cache
peer     parent  starts a child, asks it over a socket, with deadlines
child    child   builds one store from .npy files and answers; imports nothing of Freshline
hnsw, lance, milvus, redis_search   child   one store each
"""
