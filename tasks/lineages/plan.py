"""What a rebuild would do and cost, in lines for a person."""

from tasks.absorbing.work import Work
from tasks.contracts.target import AbsorbSettings
from tasks.journal.history import History, source_name
from tasks.lineages.beside import manifest_of
from tasks.lineages.cost import Cost, cost_of
from tasks.lineages.course import chart
from tasks.lineages.rebuild import Course, Rebuild

SHOWN = 40


def plan_text(work: Work, history: History, rebuild: Rebuild) -> str:
    """Say what a rebuild would absorb into what, what it leaves out, and what it costs."""
    course = chart(history, rebuild)
    manifests = {source.arrival_id: manifest_of(work.journal, source) for source in course.todo}
    blobs = work.settings.cache_dir / "blobs"
    cost = cost_of(
        work.mlflow,
        work.store,
        rebuild.target,
        sources=manifests,
        cached={path.stem for path in blobs.glob("*.safetensors")},
    )
    start = f"version {rebuild.start}" if rebuild.start is not None else "nothing: its first source begins it"
    return "\n".join(
        [
            f"target {rebuild.target}: lineage {rebuild.lineage} beside {rebuild.origin}, from {start}",
            *_settings(rebuild, work.target.absorb),
            *_sources(course),
            *(f"  left out  {each.name}: {each.why}" for each in course.left_out),
            _cost_line(cost, len(course.done)),
            *(f"  gone      {key}" for key in cost.missing),
        ]
    )


def _settings(rebuild: Rebuild, usual: AbsorbSettings) -> list[str]:
    """Say which settings are this lineage's alone, and that later arrivals have the target's."""
    usually = usual.model_dump()
    own = {name: value for name, value in rebuild.settings if value != usually[name]}
    if not own:
        return []
    said = " ".join(f"{name}={value}" for name, value in own.items())
    theirs = " ".join(f"{name}={usually[name]}" for name in own)
    return [
        f"  settings  {said}, for this lineage only: sources that arrive later, after its takeover too, "
        f"are absorbed with the target's {theirs}; to keep them: grasp target set {rebuild.target} {said} "
        "--apply"
    ]


def _sources(course: Course) -> list[str]:
    lines = [
        f"  absorb    {source_name(each.decided)} (was {each.decided.decision}, {each.decided.reason_code})"
        for each in course.todo
    ]
    more = [f"  and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return lines[:SHOWN] + more


def _cost_line(cost: Cost, done: int) -> str:
    took = "unknown time" if cost.seconds is None else f"about {cost.seconds:.0f} s as recorded"
    size_mb = cost.fetch_bytes / 1e6
    return (
        f"  cost      {cost.sources} sources to absorb ({done} done before), {took}, "
        f"{cost.fetch_count} blobs to fetch ({size_mb:.1f} MB)"
    )
