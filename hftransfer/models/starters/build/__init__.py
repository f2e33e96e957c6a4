"""How the starters were trained: `python -m hftransfer.models.starters.build {vision,text}`."""
