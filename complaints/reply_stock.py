"""The reply templates every installation starts with, as plain data (COO-10, KB-16).

Words in braces that are not filled in by the system say what has to be written there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stock:
    code: str
    name: str
    process: str
    result: str


STOCK: tuple[Stock, ...] = (
    Stock(
        "found-and-put-right",
        "查实并整改",
        "收到您反映“{subject}”的投诉后，{department}{写明哪天、由谁、到哪里、怎样核实}。"
        "调取了{写明查了哪些记录、录像或票据}，并{写明何时怎样与投诉人核对}。",
        "经核实，您反映的问题{写明属实、基本属实还是部分属实，逐项写}。原因是{请写明查明的原因}。\n"
        "我们已经{写明已做的事和完成日期}；{写明还要做的事、责任部门和完成日期}。\n"
        "给您带来不便，{写明怎样致歉}。",
    ),
    Stock(
        "not-confirmed",
        "未查实，说明情况",
        "收到您反映“{subject}”的投诉后，{department}{写明哪天、由谁、怎样核实}，"
        "查看了{写明查了哪些记录}，并听取了{写明听取了谁的说明}。",
        "经核实，您反映的{写明是哪一项}未能查实，依据是{写明证据}。\n"
        "相关规定是{写明规定名称和条款，用平实的话解释}。\n"
        "您如果有{写明哪些材料可以改变这个结论}，请补充给我们，我们会重新核实。",
    ),
    Stock(
        "money-back",
        "退费或补偿",
        "收到您反映“{subject}”的投诉后，{department}核对了{写明核对的账单、票据或合同}，"
        "确认{写明多收、错收或损失的经过}。",
        "经核实，您反映的问题{写明认定}。应退还（补偿）您 {写明金额} 元，计算方法是{写明怎样算出来的}。\n"
        "这笔款将在{写明日期}前以{写明方式}付给您；到期没有收到，请致电{写明联系人和电话}。",
    ),
    Stock(
        "step-by-step",
        "分步解决",
        "收到您反映“{subject}”的投诉后，{department}{写明怎样核实}。截至{date}，已经完成{写明已完成的部分}。",
        "您反映的问题{写明认定}，一次解决不了，因为{写明原因}。我们这样安排：\n"
        "一、{写明第一步、责任部门和完成日期}；\n"
        "二、{写明第二步、责任部门和完成日期}。\n"
        "在此期间{写明临时措施}。每一步完成后我们会告诉您。",
    ),
)
