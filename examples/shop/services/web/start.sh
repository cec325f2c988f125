echo "web $VERSION ($LOG_LEVEL): open"
