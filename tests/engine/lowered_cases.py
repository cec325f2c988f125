"""Dockerfiles whose images must not depend on who made their LLB. Each is a definition file of one target `app`, or
of several; `{base}` and `{trigger}` are images in the registry of the tests, `{nonce}` makes every build a new one."""

from typing import Final

SHELL: Final = 'FROM scratch AS sh\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n'


def target(dockerfile: str, attributes: str = "", name: str = "app", context: str = "context") -> str:
    return (
        f'target "{name}" {{\n  context = "{context}"\n  tags = ["bakec-test/lowered-{name}"]\n{attributes}\n'
        f"  dockerfile-inline = <<EOT\n{dockerfile}\nEOT\n}}\n"
    )


CASES: Final = {
    "copy": target("FROM scratch\nCOPY nonce /"),
    "run": target(f"{SHELL}COPY nonce /\nRUN cat /nonce > /copy"),
    "exec form": target(f'{SHELL}COPY nonce /\nRUN ["cp", "/nonce", "/copy"]'),
    "shell": target(f'{SHELL}SHELL ["/bin/sh", "-ec"]\nRUN echo {{nonce}} > /made'),
    "arguments": target(
        f"ARG FLAVOR=plain\n{SHELL}ARG FLAVOR\nARG NAME=one\nENV WHO=$${{NAME}}-$${{FLAVOR:+set}}\n"
        "RUN echo $WHO $NAME {nonce} > /made",
        'args = { NAME = "two words", FLAVOR = "sweet" }',
    ),
    "stages": target(
        f"{SHELL}RUN echo {{nonce}} > /a\nFROM sh AS other\nRUN echo {{nonce}} > /b\nFROM scratch\n"
        "COPY --from=0 /a /\nCOPY --from=other /b /renamed"
    ),
    "target stage": target(
        f"{SHELL}FROM sh AS wanted\nRUN echo {{nonce}} > /a\nFROM sh\nRUN false", 'target = "wanted"'
    ),
    "argument in FROM": target(f"ARG BASE=other\n{SHELL}FROM $BASE\nRUN echo {{nonce}} > /a", 'args = { BASE = "sh" }'),
    "directories and users": target(
        f"{SHELL}WORKDIR /srv/app\nUSER 7:8\nWORKDIR data\nCOPY --chown=3:4 nonce .\nRUN id; ls -ln .; echo {{nonce}}"
    ),
    "modes": target(f"{SHELL}COPY --chmod=640 nonce /\nADD --chown=9 nonce /added\nRUN ls -ln / > /list"),
    "wildcards": target(f"{SHELL}COPY n* tre?/ /all/\nRUN find /all > /list"),
    "archive": target(f"{SHELL}COPY nonce /\nADD archive.tar.gz /unpacked/\nRUN cat /unpacked/inside > /list"),
    "heredocs": target(
        f"{SHELL}RUN <<EOF\necho {{nonce}} > /one\necho two > /two\nEOF\nCOPY <<EOF /made\nmade of {{nonce}}\nEOF"
    ),
    "cache mount": target(f"{SHELL}RUN --mount=type=cache,target=/c,id=one echo {{nonce}} > /c/file; ls /c > /list"),
    "bind mounts": target(
        f"{SHELL}FROM sh\nRUN --mount=target=/ctx --mount=from=sh,source=/bin,target=/tools cp /ctx/nonce /n; ls /tools"
    ),
    "tmpfs": target(f"{SHELL}RUN --mount=type=tmpfs,target=/t echo {{nonce}} > /t/x; cat /t/x > /y"),
    "secret": target(
        f"{SHELL}RUN --mount=type=secret,id=word echo {{nonce}}; wc -c < /run/secrets/word > /length",
        'secret = ["id=word,src=word"]',
    ),
    "ignore file": target(f"{SHELL}COPY . /all\nRUN find /all > /list", context="ignoring"),
    "named folder": target(f"{SHELL}COPY nonce /\nCOPY --from=lib . /lib/", 'contexts = { lib = "library" }'),
    "network and hosts": target(
        f"{SHELL}RUN echo {{nonce}}; cat /etc/hosts > /list",
        'network = "none"\nextra-hosts = { "db.internal" = "10.1.2.3" }\nshm-size = "32m"',
    ),
    "limits": target(f"{SHELL}RUN echo {{nonce}}; ulimit -n > /list", 'ulimits = ["nofile=512:512"]'),
    "labels": target(f"{SHELL}LABEL a=1 b=<2>\nRUN echo {{nonce}} > /x", 'labels = {{ c = "three & more" }}'),
    "config": target(
        f'{SHELL}EXPOSE 80 90/udp\nVOLUME /data\nSTOPSIGNAL 9\nCMD ["a"]\nENTRYPOINT ["b", "c"]\n'
        "ONBUILD RUN true\nRUN echo {nonce} > /x"
    ),
    "date": target(f"{SHELL}WORKDIR /made\nCOPY nonce /", 'args = { SOURCE_DATE_EPOCH = "1700000000" }'),
    "builder's platform": target(
        f"{SHELL}ARG BUILDPLATFORM\nARG TARGETARCH\nRUN echo $BUILDPLATFORM $TARGETARCH {{nonce}} > /x"
    ),
    "asked for platform": target(f"{SHELL}RUN echo {{nonce}} > /x", 'platforms = ["linux/amd64"]'),
    "pinned base": target("FROM {base}\nCOPY nonce here\nRUN env > /list"),
    "pinned base twice": target("FROM {base} AS a\nRUN echo {nonce} > /a\nFROM {base}\nCOPY --from=a /a /"),
    "pinned triggers": target("FROM {trigger}\nRUN ls / > /list"),
    "copy from an image": target("FROM scratch\nCOPY --from={base} /bin/busybox /\nCOPY nonce /"),
    "mount of an image": target(f"{SHELL}RUN --mount=from={{base}},target=/b ls /b > /list; echo {{nonce}}"),
    "image as a context": target("FROM tools\nRUN echo {nonce} > /x", 'contexts = { tools = "docker-image://{base}" }'),
    "image in the place of another": target(
        "FROM example.invalid/never:1\nRUN echo {nonce} > /x",
        'contexts = { "example.invalid/never:1" = "docker-image://{base}" }',
    ),
    "linked": target("FROM parent\nRUN cat /nonce > /copy", 'contexts = { parent = "target:parent" }')
    + target(f"{SHELL}COPY nonce /\nENV PATH=/bin\nWORKDIR /from/parent", name="parent"),
    "linked to copy from": target("FROM scratch\nCOPY --from=made /out /", 'contexts = { made = "target:parent" }')
    + target(
        f"{SHELL}COPY --from=lib . /lib/\nRUN echo {{nonce}} > /out", 'contexts = { lib = "library" }', name="parent"
    ),
    "linked twice over": target("FROM middle\nRUN cat /one /two > /three", 'contexts = { middle = "target:middle" }')
    + target(
        "FROM bottom\nCOPY nonce /two\nENV LEVEL=middle",
        'contexts = { bottom = "target:bottom" }',
        name="middle",
        context="ignoring",
    )
    + target(f"{SHELL}COPY nonce /one\nENV PATH=/bin", name="bottom"),
}
