// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// A collection of its owner's whims, for the tests: any URI, ids in any order, with or without a list of them.
contract Odd {
    bytes4 public kind;
    bool public listed;
    bool public lies; // says that it has a list, and has none
    string public lookup; // where CCIP Read should be led to
    uint256[] private _ids;
    mapping(uint256 id => string) private _uris;

    event Transfer(address indexed from, address indexed to, uint256 indexed id);
    event ConsecutiveTransfer(uint256 indexed first, uint256 last, address indexed from, address indexed to);

    error OffchainLookup(address sender, string[] urls, bytes data, bytes4 callback, bytes extra);
    error NoSuchToken();

    constructor(bytes4 kind_, bool listed_, bool lies_) {
        (kind, listed, lies) = (kind_, listed_, lies_);
    }

    function supportsInterface(bytes4 id) external view returns (bool) {
        return id == 0x01ffc9a7 || id == kind || (id == 0x780e9d63 && (listed || lies));
    }

    function mint(uint256 id, string calldata uri_) external {
        _ids.push(id);
        _uris[id] = uri_;
        emit Transfer(address(0), msg.sender, id);
    }

    function mintRun(uint256 first, uint256 last, string calldata uri_) external {
        for (uint256 id = first; id <= last; id++) _uris[id] = uri_;
        emit ConsecutiveTransfer(first, last, address(0), msg.sender);
    }

    function change(uint256 id, string calldata uri_) external {
        _uris[id] = uri_;
    }

    function move(uint256 id) external {
        emit Transfer(msg.sender, address(this), id);
    }

    function lead(string calldata url) external {
        lookup = url;
    }

    function totalSupply() external view returns (uint256) {
        require(listed);
        return _ids.length;
    }

    function tokenByIndex(uint256 index) external view returns (uint256) {
        return _ids[index];
    }

    function tokenURI(uint256 id) public view returns (string memory) {
        if (bytes(lookup).length != 0) {
            string[] memory urls = new string[](1);
            urls[0] = lookup;
            revert OffchainLookup(address(this), urls, "", this.tokenURI.selector, "");
        }
        if (bytes(_uris[id]).length == 0) revert NoSuchToken();
        return _uris[id];
    }

    function uri(uint256 id) external view returns (string memory) {
        return tokenURI(id);
    }
}
