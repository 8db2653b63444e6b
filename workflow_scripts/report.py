"""All numbers -> one page to read."""

from saliency_benchmark import artifacts, files, progress, report

progress.log_to(snakemake.log[0])
params = snakemake.params
html = report.render(snakemake.input, params.settings, params.examples, params.pairs)
files.write_text(snakemake.output.html, html, "report", artifacts.origin(snakemake))
