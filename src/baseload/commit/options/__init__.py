"""Rights a contract gives, used by what is known when they must be used: step down, step up, leave."""
