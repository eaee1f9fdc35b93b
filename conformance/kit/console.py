"""A server's screen, reached as a browser reaches it: the console URL names a page, the page opens a websocket.

We do what noVNC's page does with the URL (host and port from the page, path and token from its query), and read the
greeting of the RFB protocol, which says that a VNC server is behind it.
"""

from urllib.parse import parse_qs, urlsplit

import websocket

# The handshake was answered with another status, or the connection was closed by the other side.
Refused = (websocket.WebSocketBadStatusException, websocket.WebSocketConnectionClosedException)


def socket_url(console_url):
    """The address that noVNC opens for this page."""
    page = urlsplit(console_url)
    query = parse_qs(page.query)
    if 'path' in query:
        path = query['path'][0]
    elif 'token' in query:
        path = f'websockify?token={query["token"][0]}'
    else:
        raise ValueError(f'no path and no token in {console_url}')
    return f'{"wss" if page.scheme == "https" else "ws"}://{page.netloc}/{path.lstrip("/")}'


def greeting(console_url, ca=None, timeout=15):
    """The first twelve bytes that come through the websocket."""
    page = urlsplit(console_url)
    link = websocket.create_connection(socket_url(console_url), timeout=timeout, subprotocols=['binary'],
                                       origin=f'{page.scheme}://{page.netloc}', sslopt={'ca_certs': ca} if ca else None)
    try:
        data = b''
        while len(data) < 12:
            part = link.recv()
            data += part.encode() if isinstance(part, str) else part
            if not part:
                break
        return data[:12]
    finally:
        link.close()
