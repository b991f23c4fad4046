"""A policy for people who keep the gateway they have: files for LiteLLM and for Envoy, and what they cannot carry.

Policy ──litellm.exported──> plug-in + config      (decides by the same code, inside LiteLLM)
Policy ──envoy.exported──> bootstrap with Lua      (a simple subset, by headers)
"""
