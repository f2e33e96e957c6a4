"""The studio's looks: one hue, quiet cards, one column; light and dark from Gradio's own variables."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

INDIGO, AMBER = "#6366f1", "#f59e0b"
_SANS = ["system-ui", "PingFang SC", "Noto Sans SC", "Microsoft YaHei", "sans-serif"]
STYLES = Path(__file__).with_name("studio.css")

THEME = gr.themes.Base(
    primary_hue="indigo",
    neutral_hue="slate",
    radius_size="lg",
    font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), *_SANS],
    font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400,)), "ui-monospace", "monospace"],
).set(
    body_background_fill="*neutral_50",
    body_background_fill_dark="#0b1020",
    body_text_color_subdued="*neutral_500",
    body_text_color_subdued_dark="*neutral_400",
    block_info_text_color="*neutral_500",
    block_info_text_color_dark="*neutral_400",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
    block_background_fill="white",
    block_background_fill_dark="#141b2e",
    block_shadow="0 1px 2px rgba(15,23,42,.05), 0 8px 24px rgba(15,23,42,.05)",
    block_shadow_dark="none",
    block_radius="14px",
    button_large_radius="10px",
    button_medium_radius="10px",
    input_radius="10px",
    input_background_fill_dark="#0f1628",
    input_border_color_dark="#2b3654",
    block_border_width="0px",
    block_border_width_dark="1px",
    block_border_color_dark="#232c45",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_dark="*primary_600",
    button_primary_background_fill_hover_dark="*primary_700",
    button_primary_text_color="white",
    button_secondary_background_fill="white",
    button_secondary_background_fill_hover="*neutral_100",
    button_secondary_border_color="*neutral_200",
    button_secondary_background_fill_dark="#141b2e",
    button_secondary_background_fill_hover_dark="#1d2640",
    button_secondary_border_color_dark="#2b3654",
    button_border_width="1px",
)

HEAD = '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">'
