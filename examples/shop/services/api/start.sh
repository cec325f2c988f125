echo "api $VERSION ($LOG_LEVEL): listening"
