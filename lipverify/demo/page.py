# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The page that `lipverify demo` opens."""

import marimo

app = marimo.App(width="full", app_title="lipverify: NP-hardness you can touch", css_file="static/marimo.css")


@app.cell
def _():
    import marimo as mo

    from lipverify.demo import colours, cuts, race, reductions, regions, widget

    tabs = mo.ui.anywidget(widget.Tabs())
    cuts_tab = mo.ui.anywidget(widget.CutsTab())
    race_part = mo.ui.anywidget(widget.Race())
    regions_tab = mo.ui.anywidget(widget.RegionsTab(examples=regions.examples()))
    reductions_tab = mo.ui.anywidget(widget.ReductionsTab())
    colours_tab = mo.ui.anywidget(widget.ColoursTab())
    mo.vstack([tabs, cuts_tab, race_part, regions_tab, reductions_tab, colours_tab], gap=0)
    return colours, colours_tab, cuts, cuts_tab, mo, race, race_part, reductions, reductions_tab, regions, regions_tab


@app.cell
def _(mo):
    def _work(tab, study, request):
        thread = mo.current_thread()  # asked to exit as soon as another request makes its cell run again
        try:
            for state in study(request, lambda: thread.should_exit):
                if thread.should_exit:
                    return
                tab.widget.show(state)
        except Exception as error:
            tab.widget.show({"version": request.get("version"), "error": f"A mistake of ours: {error!r}"})
            raise

    def answer(tab, study):
        """Let `study` answer what the tab asks, in a thread."""
        if request := tab.value.get("request"):
            mo.Thread(target=_work, args=(tab, study, dict(request)), daemon=True).start()

    return (answer,)


@app.cell
def _(answer, cuts, cuts_tab):
    answer(cuts_tab, cuts.study)
    return


@app.cell
def _(answer, race, race_part):
    answer(race_part, race.study)
    return


@app.cell
def _(answer, regions, regions_tab):
    answer(regions_tab, regions.study)
    return


@app.cell
def _(answer, reductions, reductions_tab):
    answer(reductions_tab, reductions.study)
    return


@app.cell
def _(answer, colours, colours_tab):
    answer(colours_tab, colours.study)
    return


if __name__ == "__main__":
    app.run()
