"""What happens to one request, decided without a socket, a clock or a file.

Inbound ──facts_of──> Facts ──decide──> Decision ──apply──> Applied(body, changes, refusals)
"""
