# A shop of three services and two tools on one base image, buildable without a network.

variable "REGISTRY" {
  description = "Where the images belong; empty for local names."
  default     = ""
}

variable "VERSION" {
  description = "What the images say they are."
  default     = "1.4.0"
  validation {
    condition     = length(split(".", VERSION)) == 3
    error_message = "VERSION has three parts, as in 1.4.0."
  }
}

variable "DEBUG" {
  description = "Build images that talk more."
  default     = false
}

function "image" {
  params = [name]
  result = "${REGISTRY == "" ? "" : "${REGISTRY}/"}shop/${name}"
}

group "default" {
  targets = ["services", "tools"]
}

group "services" {
  targets = ["web", "api", "worker"]
}

target "base" {
  description = "A shell and nothing else."
  context     = "base"
}

target "_service" {
  contexts = {
    base = "target:base"
  }
  args = {
    VERSION   = VERSION
    LOG_LEVEL = DEBUG ? "debug" : "info"
  }
  labels = {
    "org.opencontainers.image.version" = VERSION
    "org.opencontainers.image.title"   = title("shop services")
  }
}

target "web" {
  inherits    = ["_service"]
  description = "The shop window."
  context     = "services/web"
  tags        = [image("web"), "${image("web")}:${VERSION}"]
}

target "api" {
  inherits    = ["_service"]
  description = "Prices and orders."
  context     = "services/api"
  tags        = formatlist("%s:%s", image("api"), ["latest", VERSION])
}

target "worker" {
  inherits    = ["_service"]
  description = "Sends what was ordered."
  context     = "services/worker"
  tags        = [image("worker")]
  args = {
    QUEUES = join(",", ["orders", "returns"])
  }
}

target "tools" {
  name = "tool-${tool.name}"
  matrix = {
    tool = [
      { name = "report", greeting = "What was sold" },
      { name = "cleanup", greeting = "What was left" },
    ]
  }
  context = "tools"
  contexts = {
    base = "target:base"
  }
  args = {
    TOOL     = upper(tool.name)
    GREETING = tool.greeting
    VERSION  = VERSION
  }
  tags = [image("tool-${tool.name}")]
}
