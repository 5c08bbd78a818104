"""The comparison: every method on the same data and budget, several seeds, one honest report.

Data flows one way: a `Plan` names the runs; `subject` checks files and days, and refuses what
could not be finished; `pretraining` makes a base where there is none; `tasks` lays out bars,
windows and baselines; `runs` trains and scores one run after the other, each kept on disk;
`measures` takes latency, memory and int8 at the end; `results` holds what came out; `tables`,
`targets` and `findings` draw conclusions; `charts` and `report` show them. `comparing.compare`
walks through it all.
"""
