"""Torture: a supervised daemon is harmed at random while clients check every answer.

`python -m tests.torture --minutes N [--seed S]`; a short run is `test_torture.py`.

    wardrobe    versions of models, made beforehand, and what each answers when asked offline
    shelf       which of them stand in the daemon's store, and so which may answer what, when
    excuses     what was done when, and which failures it excuses
    record      counts, and what was wrong
    judge       holds every answer, refusal and silence against all of these
    askers      clients that ask, one kind each, and have every answer judged
    subject     the daemon under test: its processes, what they say, what they use
    disk        the small disk that its files are on
    rabble      programs of clients that behave badly, and are killed
    crowd       starts and kills those
    harm        what is done to the daemon, its worker, its disk and its store
    swaps       what is done to its store
    run         all of it, from a seed to a report
"""
