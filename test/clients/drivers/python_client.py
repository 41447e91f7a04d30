"""The Python SDK's client, and fastmcp's (second argument `fastmcp`). See plan.ts for what goes in and out."""

import asyncio
import json
import sys

plan = json.loads(sys.argv[1])
library = sys.argv[2]


def say(**happening):
    print(json.dumps(happening), flush=True)


def read(result):
    text = "\n".join(getattr(part, "text", "") or "" for part in result.content)
    return text, bool(getattr(result, "is_error", None) or getattr(result, "isError", None))


left = plan["repeats"]


class Reconnect(Exception):
    """After an error a client is opened anew, as its user would: a broken connection stays broken."""


async def persist(call):
    global left
    while True:
        try:
            text, is_error = await call()
        except Exception as error:  # whatever a client throws is what its user gets
            say(event="error", message=f"{type(error).__name__}: {error}")
            if left <= 0:
                return
            raise Reconnect from error
        say(event="answer", text=text, isError=is_error)
        if not text.startswith("PENDING_APPROVAL") or left <= 0:
            return
        left -= 1
        await asyncio.sleep(1)


async def cancelled(call, after_ms):
    if after_ms is None:
        return await call()
    return await asyncio.wait_for(call(), after_ms / 1000)


async def progressed(*_):
    say(event="progress")


async def logged(_):
    say(event="log")


def seconds(ms):
    return None if ms is None else ms / 1000


async def with_sdk():
    from mcp import Client
    from mcp_types import CreateMessageResult, ElicitResult, TextContent

    async def elicited(*_):
        say(event="elicited")
        return ElicitResult(action="accept", content={"username": "ada", "email": "ada@example.org", "name": "ada"})

    async def sampled(*_):
        say(event="sampled")
        return CreateMessageResult(
            role="assistant", content=TextContent(type="text", text="a completion"), model="test-model"
        )

    async with Client(
        plan["url"], elicitation_callback=elicited, sampling_callback=sampled, logging_callback=logged
    ) as client:
        if plan["call"] is None:
            say(event="tools", count=len((await client.list_tools()).tools))
            return

        async def call():
            return read(
                await client.call_tool(
                    plan["call"]["tool"],
                    plan["call"]["args"],
                    read_timeout_seconds=seconds(plan["timeoutMs"]),
                    progress_callback=progressed if plan["progress"] else None,
                )
            )

        await persist(lambda: cancelled(call, plan["cancelAfterMs"]))


async def with_fastmcp():
    from fastmcp import Client

    async def elicited(*_):
        say(event="elicited")
        return {"username": "ada", "email": "ada@example.org", "name": "ada"}

    async def sampled(*_):
        say(event="sampled")
        return "a completion"

    async with Client(
        plan["url"],
        elicitation_handler=elicited,
        sampling_handler=sampled,
        log_handler=logged,
        progress_handler=progressed,
    ) as client:
        if plan["call"] is None:
            say(event="tools", count=len(await client.list_tools()))
            return

        async def call():
            return read(
                await client.call_tool_mcp(
                    plan["call"]["tool"], plan["call"]["args"], timeout=seconds(plan["timeoutMs"])
                )
            )

        await persist(lambda: cancelled(call, plan["cancelAfterMs"]))


async def connect_and_call():
    global left
    while True:
        try:
            return await (with_fastmcp() if library == "fastmcp" else with_sdk())
        except* Reconnect:
            pass
        except* Exception as errors:
            say(event="error", message=f"{errors.exceptions[0]}")
        if left <= 0:
            return
        left -= 1
        await asyncio.sleep(1)


asyncio.run(connect_and_call())
