# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The page that `lipverify demo` opens."""

import marimo

app = marimo.App(width="full", app_title="lipverify: NP-hardness you can touch")


@app.cell
def _():
    import marimo as mo

    from lipverify.demo.study import study
    from lipverify.demo.widget import CutPage

    page = mo.ui.anywidget(CutPage())
    page  # noqa: B018 marimo shows a cell's last expression
    return mo, page, study


@app.cell
def _(mo, page, study):
    def _answer(request):
        thread = mo.current_thread()  # asked to exit as soon as another request makes this cell run again
        for state in study(request, lambda: thread.should_exit):
            if thread.should_exit:
                return
            if "walk" in state:
                page.widget.walk = {**state.pop("walk"), "version": state["version"]}
            page.widget.state = state

    if page.value.get("request"):
        mo.Thread(target=_answer, args=(dict(page.value["request"]),), daemon=True).start()
    return


if __name__ == "__main__":
    app.run()
