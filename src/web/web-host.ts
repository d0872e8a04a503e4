// The browser host: the page's files over HTTP and the bridge over a WebSocket, on loopback only.
//
// What a page has to do (constants and helpers are in bridge/web-handshake.ts):
//   const token = tokenOfFragment(location.hash)           // keep it, e.g. in sessionStorage, for reloads
//   const socket = new WebSocket(bridgeUrl(location.host), bridgeProtocols(token))
//   when it opens: new RpcClient({ channel: new SocketChannel(socket), … })
// A socket that closes before it opened: if `GET /` is answered, the token is of an earlier run; else the
// host is gone and trying again, ever more slowly, may help.
export {}
