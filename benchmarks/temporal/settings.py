"""The settings of the real-time benchmark: which part is trained, which periods are sources, how many labels.

Five sources (to 2021-03) leave four and a half years to the target; the sixth (2022-03) is nearly the target.
"""

from benchmarks.accuracy.settings import KEY, ORDERS, Setting, World

CONTROLS = ("guarded", "tensor_steps", "random_steps", "sign_agreement", "random_mask", *KEY[1:])
ALL = (*CONTROLS, "published", "no_transfer", "last_source", "average", "ensemble", "scratch")
BUDGETS = (60, 200)

BLOCK = tuple(
    Setting(World("emoji-block", 1.0, k=5), order, budget, ALL if budget == 60 else CONTROLS)
    for budget in BUDGETS
    for order in ORDERS
)
NEWEST = (Setting(World("emoji-block", 1.0, k=6), "chronological", 60, CONTROLS),)
STARTS = (
    Setting(World("emoji-block", 1.0, k=5, sources="partial"), "chronological", 60, (*CONTROLS, "average")),
    Setting(
        World("emoji-block", 1.0, k=5, sources="chained"), "chronological", 60, (*CONTROLS, "last_source")
    ),
    Setting(
        World("emoji-block", 1.0, k=5, sources="from_served"), "chronological", 60, (*KEY, "last_source")
    ),
    Setting(
        World("emoji-block", 1.0, k=5, sources="from_stem"),
        "chronological",
        60,
        ("guarded", "refit_best_source"),
    ),
)
HEADS = tuple(
    Setting(World(corpus, 1.0, k=5), "chronological", budget, CONTROLS)
    for corpus in ("emoji-head", "emoji-head-bn")
    for budget in BUDGETS
)
FULL = BLOCK + NEWEST + STARTS + HEADS
QUICK = (
    Setting(World("emoji-block", 1.0, k=5), "shuffled", 60, CONTROLS),
    *(
        Setting(World(corpus, 1.0, k=5), "chronological", 60, CONTROLS)
        for corpus in ("emoji-head", "emoji-head-bn")
    ),
)
