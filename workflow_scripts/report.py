"""All numbers -> one page to read."""

from saliency_benchmark import artifacts, files, progress, report

progress.log_to(snakemake.log[0])
html = report.render(snakemake.input, snakemake.params.settings, snakemake.params.examples)
files.write_text(snakemake.output.html, html, "report", artifacts.origin(snakemake))
