"""From files to one stream of tokens: includes, macros, conditions."""
